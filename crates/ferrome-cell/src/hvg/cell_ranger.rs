//! `cell_ranger`: dispersions beside those of genes of a similar mean.

use super::moments::Moments;
use super::ranks::{descending, highest_first};
use crate::quantile::{median, quantile};

/// What a mean of zero is taken for.
const SMALL: f64 = 1e-12;
/// The third quartile of the normal distribution: a median absolute deviation over it estimates the standard deviation.
const QUARTILE: f64 = 0.674_489_750_196_081_7;

/// The dispersions of one batch.
#[derive(Clone, Debug)]
pub struct CellRanger {
    /// `[g]`: dispersions, less the median of the gene's bin, over its deviation; 0 for genes without a molecule in the batch.
    scores: Vec<f64>,
    /// `[g]`: whether the gene is among the first of the batch.
    among: Vec<bool>,
}

impl CellRanger {
    /// Judges genes by the moments of their normalised, logarithmic values; `n` are to be found.
    ///
    /// Genes for which `judged` is false are left out, as scanpy does within a batch with genes that no cell has.
    #[must_use]
    pub fn new(moments: &Moments, judged: impl Fn(usize) -> bool, n: usize) -> Self {
        let (means, variances) = (moments.means(), moments.variances());
        let genes: Vec<usize> = (0..means.len()).filter(|&gene| judged(gene)).collect();
        let means: Vec<f64> = genes.iter().map(|&gene| if means[gene] == 0.0 { SMALL } else { means[gene] }).collect();
        let dispersions: Vec<f64> = genes.iter().zip(&means).map(|(&gene, mean)| variances[gene] / mean).collect();
        let normalised = normalise(&means, &dispersions);
        let mut all = Self { scores: vec![0.0; moments.sums().len()], among: vec![false; moments.sums().len()] };
        let ranked = descending(&normalised);
        let known = normalised.iter().filter(|score| !score.is_nan()).count();
        let lowest = ranked.get(n.min(known).saturating_sub(1)).map_or(f64::NAN, |&position| normalised[position]);
        for (&gene, score) in genes.iter().zip(normalised) {
            all.scores[gene] = score;
            all.among[gene] = score >= lowest;
        }
        all
    }

    /// The `n` most variable genes over all batches, best first; genes that equal the last one are taken as well when there
    /// is one batch.
    #[must_use]
    pub fn select(batches: &[Self], n: usize) -> Vec<usize> {
        if let [batch] = batches {
            let order = descending(&batch.scores).into_iter();
            return order.filter(|&gene| batch.among[gene]).collect();
        }
        let genes = batches.first().map_or(0, |batch| batch.scores.len());
        let standing = |gene: usize| {
            let among = batches.iter().filter(|batch| batch.among[gene]).count();
            let scores = batches.iter().map(|batch| batch.scores[gene]).filter(|score| !score.is_nan());
            let (sum, known) = scores.fold((0.0, 0), |(sum, known), score| (sum + score, known + 1));
            (among, sum / f64::from(known))
        };
        let standings: Vec<(usize, f64)> = (0..genes).map(standing).collect();
        let mut order: Vec<usize> = (0..genes).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (standings[a], standings[b]);
            b.0.cmp(&a.0).then(highest_first(a.1, b.1))
        });
        order.truncate(n);
        order
    }
}

/// Dispersions less the median of their bin, over its deviation. Bins end at every twentieth of the means from a tenth on.
fn normalise(means: &[f64], dispersions: &[f64]) -> Vec<f64> {
    if means.is_empty() {
        return Vec::new();
    }
    let mut ascending = means.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let ends: Vec<f64> = (2..=20).map(|step| quantile(&ascending, f64::from(5 * step) / 100.0)).collect();
    let bins: Vec<usize> = means.iter().map(|&mean| ends.partition_point(|&end| end < mean)).collect();
    let centres: Vec<(f64, f64)> = (0..=ends.len())
        .map(|bin| {
            let mut inside: Vec<f64> =
                bins.iter().zip(dispersions).filter(|&(&of, _)| of == bin).map(|(_, &value)| value).collect();
            let centre = median(&mut inside);
            let mut deviations: Vec<f64> = inside.iter().map(|value| (value - centre).abs()).collect();
            (centre, median(&mut deviations) / QUARTILE)
        })
        .collect();
    bins.iter().zip(dispersions).map(|(&bin, dispersion)| (dispersion - centres[bin].0) / centres[bin].1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(rows: &[Vec<f64>]) -> Moments {
        let mut moments = Moments::new(rows[0].len());
        rows.iter().for_each(|row| moments.add(row.iter().copied().enumerate().filter(|(_, value)| *value > 0.0)));
        moments
    }

    /// 40 cells of 60 genes with values that hardly vary, but those of gene 33 do.
    fn rows() -> Vec<Vec<f64>> {
        let value = |cell: usize, gene: usize| match gene {
            33 => {
                if cell.is_multiple_of(8) {
                    9.0
                } else {
                    0.1
                }
            }
            _ => 0.1 * (gene + 1) as f64 + 0.01 * ((cell * 7 + gene * gene) % (3 + gene % 5)) as f64,
        };
        (0..40).map(|cell| (0..60).map(|gene| value(cell, gene)).collect()).collect()
    }

    #[test]
    fn gene_that_varies_comes_first() {
        assert_eq!(CellRanger::select(&[CellRanger::new(&moments(&rows()), |_| true, 3)], 3)[0], 33);
    }

    #[test]
    fn gene_that_is_left_out_is_never_taken() {
        let batch = CellRanger::new(&moments(&rows()), |gene| gene != 33, 5);
        assert!(!CellRanger::select(&[batch], 5).contains(&33));
    }

    #[test]
    fn gene_of_two_batches_comes_before_that_of_one() {
        let mut other = rows();
        other.iter_mut().for_each(|row| row[33] = 3.4);
        other.iter_mut().step_by(8).for_each(|row| row[12] = 9.0);
        let mut both = rows();
        both.iter_mut().step_by(8).for_each(|row| row[12] = 9.0);
        let batches = [both, other].map(|rows| CellRanger::new(&moments(&rows), |_| true, 2));
        assert_eq!(CellRanger::select(&batches, 2)[0], 12);
    }
}
