//! `seurat_v3`: the variance of counts beyond what their mean lets expect.

use super::loess::{Unfit, smooth};
use super::moments::Moments;
use super::ranks::{descending_ranks, highest_first};
use crate::quantile::median;
use crate::{Error, Result};

/// The share of genes in each neighbourhood of the regression.
const SPAN: f64 = 0.3;

/// One batch of the second pass: sums of counts, clipped where they are far above the mean.
#[derive(Clone, Debug)]
pub struct SeuratV3 {
    cells: f64,
    means: Vec<f64>,
    /// `[g]`: the standard deviation that the mean lets expect.
    deviations: Vec<f64>,
    /// `[g]`: what larger counts are taken for.
    limits: Vec<f64>,
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// `[g]`: how many counts were larger.
    clipped: Vec<u64>,
}

impl SeuratV3 {
    /// Prepares the second pass from what the first one found in the same cells.
    ///
    /// # Errors
    ///
    /// [`Error::VariableGenes`]: there are too few genes for a regression, or too many have the same mean.
    pub fn new(moments: &Moments) -> Result<Self> {
        let (means, variances) = (moments.means(), moments.variances());
        let cells = moments.cells() as f64;
        let deviations = expected_deviations(&means, &variances)?;
        let limits = means.iter().zip(&deviations).map(|(mean, deviation)| deviation * cells.sqrt() + mean).collect();
        let genes = means.len();
        let (sums, squares, clipped) = (vec![0.0; genes], vec![0.0; genes], vec![0; genes]);
        Ok(Self { cells, means, deviations, limits, sums, squares, clipped })
    }

    /// Adds a cell, with its genes that are not zero.
    pub fn add(&mut self, entries: impl Iterator<Item = (usize, f64)>) {
        for (gene, count) in entries {
            match self.limits.get(gene) {
                None => {}
                Some(&limit) if count > limit => self.clipped[gene] += 1,
                Some(_) => {
                    self.sums[gene] += count;
                    self.squares[gene] += count * count;
                }
            }
        }
    }

    /// `[g]`: the variance of the standardised, clipped counts.
    fn scores(&self) -> Vec<f64> {
        let score = |gene: usize| {
            let (mean, limit, over) = (self.means[gene], self.limits[gene], self.clipped[gene] as f64);
            let sum = self.sums[gene] + over * limit;
            let squares = self.squares[gene] + over * limit * limit;
            let scale = 1.0 / ((self.cells - 1.0) * self.deviations[gene] * self.deviations[gene]);
            scale * (self.cells * mean * mean + squares - 2.0 * sum * mean)
        };
        (0..self.means.len()).map(score).collect()
    }

    /// The `n` most variable genes over all batches, best first.
    #[must_use]
    pub fn select(batches: &[Self], n: usize) -> Vec<usize> {
        let ranks: Vec<_> = batches.iter().map(|batch| descending_ranks(&batch.scores())).collect();
        let genes = batches.first().map_or(0, |batch| batch.means.len());
        // The median of the ranks among the first n, and in how many batches it is among them.
        let standing = |gene: usize| {
            let mut among: Vec<f64> =
                ranks.iter().map(|ranks| ranks[gene]).filter(|&rank| rank < n).map(|rank| rank as f64).collect();
            (median(&mut among), among.len())
        };
        let standings: Vec<(f64, usize)> = (0..genes).map(standing).collect();
        let mut order: Vec<usize> = (0..genes).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (standings[a], standings[b]);
            highest_first(-a.0, -b.0).then(b.1.cmp(&a.1))
        });
        order.truncate(n);
        order
    }
}

/// `[g]`: the standard deviation at each gene's mean, by regression over the genes that vary; 1 for those that do not.
fn expected_deviations(means: &[f64], variances: &[f64]) -> Result<Vec<f64>> {
    let varying: Vec<usize> = (0..means.len()).filter(|&gene| variances[gene] > 0.0).collect();
    let mut deviations = vec![1.0; means.len()];
    if varying.is_empty() {
        return Ok(deviations);
    }
    let logarithms = |values: &[f64]| varying.iter().map(|&gene| values[gene].log10()).collect::<Vec<f64>>();
    let expected =
        smooth(&logarithms(means), &logarithms(variances), SPAN).map_err(|unfit| unfitting(unfit, varying.len()))?;
    for (gene, expected) in varying.into_iter().zip(expected) {
        deviations[gene] = 10_f64.powf(expected).sqrt();
    }
    Ok(deviations)
}

fn unfitting(unfit: Unfit, genes: usize) -> Error {
    Error::VariableGenes(match unfit {
        Unfit::TooFew => format!("seurat_v3 needs at least 14 genes that vary, found {genes}"),
        Unfit::NoWidth => {
            "seurat_v3 cannot fit the variance, since 30 % of the genes have the same mean; cell_ranger can be used"
                .to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two passes over cells given as rows of counts.
    fn batch(rows: &[Vec<f64>]) -> Result<SeuratV3> {
        let genes = rows[0].len();
        let entries = |row: &Vec<f64>| row.clone().into_iter().enumerate().filter(|(_, value)| *value > 0.0);
        let mut moments = Moments::new(genes);
        rows.iter().for_each(|row| moments.add(entries(row)));
        let mut second = SeuratV3::new(&moments)?;
        rows.iter().for_each(|row| second.add(entries(row)));
        Ok(second)
    }

    /// 40 cells of 60 genes whose counts hardly vary, but that of gene 7 does.
    fn rows() -> Vec<Vec<f64>> {
        let count = |cell: usize, gene: usize| match gene {
            7 => {
                if cell.is_multiple_of(8) {
                    90.0
                } else {
                    0.0
                }
            }
            _ => (gene + 1 + (cell * 7 + gene * 3) % 3) as f64,
        };
        (0..40).map(|cell| (0..60).map(|gene| count(cell, gene)).collect()).collect()
    }

    #[test]
    fn gene_that_varies_comes_first() {
        assert_eq!(SeuratV3::select(&[batch(&rows()).unwrap()], 3)[0], 7);
    }

    #[test]
    fn all_genes_when_more_are_asked_for() {
        let mut genes = SeuratV3::select(&[batch(&rows()).unwrap()], 100);
        genes.sort_unstable();
        assert_eq!(genes, (0..60).collect::<Vec<_>>());
    }

    #[test]
    fn gene_of_one_batch_only_comes_after_that_of_two() {
        let mut flat = rows();
        flat.iter_mut().for_each(|row| row[7] = 8.0);
        flat.iter_mut().step_by(8).for_each(|row| row[20] = 300.0);
        let mut both = rows();
        both.iter_mut().step_by(8).for_each(|row| row[20] = 300.0);
        let genes = SeuratV3::select(&[batch(&both).unwrap(), batch(&flat).unwrap()], 2);
        assert_eq!(genes[0], 20);
    }

    #[test]
    fn genes_too_few_for_a_regression() {
        let message = batch(&[vec![1.0, 2.0], vec![3.0, 4.0]]).unwrap_err().to_string();
        assert_eq!(
            message,
            "cannot select highly variable genes: seurat_v3 needs at least 14 genes that vary, found 2"
        );
    }

    #[test]
    fn genes_of_one_mean() {
        let rows: Vec<Vec<f64>> =
            (0..40).map(|cell| (0..40).map(|gene| f64::from(u8::from(cell == gene))).collect()).collect();
        let message = batch(&rows).unwrap_err().to_string();
        assert_eq!(
            message,
            "cannot select highly variable genes: seurat_v3 cannot fit the variance, since 30 % of the genes have the same \
             mean; cell_ranger can be used"
        );
    }
}
