//! What simple statistics reach on the same hidden genes: how frequent a gene is, at its rank, among the genes that the cell
//! does not show already.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::mask::{Masked, Tokens};

/// Ranks that are counted together: finer at the top, where genes differ most.
const BINS: usize = 24;
/// Weights of the frequency over all ranks beside that at the rank; the best is taken, which favours the baseline.
const WEIGHTS: [f64; 5] = [3.0, 10.0, 30.0, 100.0, 1000.0];

/// Mean cross-entropies of the hidden genes, in nats.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Baselines {
    /// By the frequency of the genes among all training tokens.
    pub frequency: f64,
    /// By their frequency at about the same rank.
    pub frequency_at_rank: f64,
    /// The same, without the genes that the cell shows elsewhere: a gene has one rank.
    pub frequency_of_unseen: f64,
}

/// Counts of genes, over all ranks and in bins of ranks.
#[derive(Debug)]
pub(super) struct Frequencies {
    all: Vec<f64>,
    bins: Vec<HashMap<i64, f64>>,
    totals: Vec<f64>,
    genes: Vec<usize>,
}

fn bin(rank: usize) -> usize {
    ((3.0 * ((rank + 1) as f64).log2()) as usize * BINS / 36).min(BINS - 1)
}

impl Frequencies {
    /// Counts the training cells.
    pub(super) fn new<'c>(cells: impl Iterator<Item = &'c [i32]>, known: &Tokens) -> Self {
        let genes: Vec<usize> = known.genes.iter().filter_map(|&gene| usize::try_from(gene).ok()).collect();
        let mut counts = Self {
            // Each gene is seen once more than it is, so that none is impossible.
            all: vec![0.0; genes.last().map_or(0, |last| last + 1)],
            bins: vec![HashMap::new(); BINS],
            totals: vec![0.0; BINS],
            genes,
        };
        for gene in counts.genes.clone() {
            if let Some(count) = counts.all.get_mut(gene) {
                *count = 1.0;
            }
        }
        for cell in cells {
            for (rank, &token) in cell.iter().enumerate().filter(|(_, token)| known.is_gene(**token)) {
                if let Some(count) = usize::try_from(token).ok().and_then(|token| counts.all.get_mut(token)) {
                    *count += 1.0;
                }
                if let (Some(bin), Some(total)) = (counts.bins.get_mut(bin(rank)), counts.totals.get_mut(bin(rank))) {
                    *bin.entry(i64::from(token)).or_insert(0.0) += 1.0;
                    *total += 1.0;
                }
            }
        }
        let total: f64 = counts.all.iter().sum();
        counts.all.iter_mut().for_each(|count| *count /= total.max(1.0));
        counts
    }

    /// Probability of a gene at a rank, leaning on its probability anywhere with the weight of so many observations.
    fn at(&self, gene: i64, rank: usize, weight: f64) -> f64 {
        let anywhere = usize::try_from(gene).ok().and_then(|gene| self.all.get(gene)).copied().unwrap_or(0.0);
        let seen = self.bins.get(bin(rank)).and_then(|bin| bin.get(&gene)).copied().unwrap_or(0.0);
        let total = self.totals.get(bin(rank)).copied().unwrap_or(0.0);
        (seen + weight * anywhere) / (total + weight)
    }

    /// Evaluates on batches of hidden genes.
    pub(super) fn evaluate(&self, batches: &[Masked]) -> Baselines {
        let mean = |loss: &dyn Fn(&Masked) -> f64| {
            let hidden: usize = batches.iter().map(|masked| masked.targets.len()).sum();
            batches.iter().map(loss).sum::<f64>() / hidden.max(1) as f64
        };
        let anywhere = |gene: i64| usize::try_from(gene).ok().and_then(|gene| self.all.get(gene)).copied();
        let frequency =
            mean(&|m| m.targets.iter().map(|&gene| -anywhere(gene).unwrap_or(f64::MIN_POSITIVE).ln()).sum());
        let at_rank = |weight: f64| {
            mean(&|m| m.targets.iter().zip(&m.ranks).map(|(&gene, &rank)| -self.at(gene, rank, weight).ln()).sum())
        };
        let weight = WEIGHTS.into_iter().min_by(|a, b| at_rank(*a).total_cmp(&at_rank(*b))).unwrap_or(10.0);
        let frequency_of_unseen = mean(&|m| self.unseen(m, weight));
        Baselines { frequency, frequency_at_rank: at_rank(weight), frequency_of_unseen }
    }

    // Only genes that the cell does not show share the probability.
    fn unseen(&self, masked: &Masked, weight: f64) -> f64 {
        let mut hidden = masked.places.iter().zip(masked.targets.iter().zip(&masked.ranks)).peekable();
        let (mut loss, mut first) = (0.0, 0_i64);
        for cell in &masked.cells {
            let end = first + i64::try_from(cell.len()).unwrap_or(0);
            // What the visible genes take away, once for each bin of ranks that is asked for.
            let mut taken: HashMap<usize, f64> = HashMap::new();
            while let Some((_, (&gene, &rank))) = hidden.next_if(|(place, _)| **place < end) {
                let taken = *taken
                    .entry(bin(rank))
                    .or_insert_with(|| cell.iter().map(|&token| self.at(i64::from(token), rank, weight)).sum());
                loss -= (self.at(gene, rank, weight) / (1.0 - taken).max(1e-12)).ln();
            }
            first = end;
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::task::train::mask::{Cover, hide};

    #[test]
    fn better_knowledge_gives_a_lower_loss() {
        let known = Tokens::new(1, (2..42).collect());
        // Every cell holds all genes, in one of two orders of the first twenty.
        let cells: Vec<Vec<i32>> = (0..200)
            .map(|i| if i % 2 == 0 { (2..42).collect() } else { (2..22).rev().chain(22..42).collect() })
            .collect();
        let frequencies = Frequencies::new(cells.iter().map(Vec::as_slice), &known);
        let masked = hide(cells, &known, 0.15, Cover::Mask, &mut ChaCha8Rng::seed_from_u64(1));
        let found = frequencies.evaluate(&[masked]);
        assert!((found.frequency - 40_f64.ln()).abs() < 1e-6, "{found:?}");
        assert!(found.frequency_at_rank < found.frequency - 1.0, "{found:?}");
        // About six genes are hidden, and it is one of these.
        assert!(found.frequency_of_unseen < 1.5, "{found:?}");
    }

    #[test]
    fn bins_are_finer_at_the_top() {
        assert!((0..4096).all(|rank| bin(rank) <= bin(rank + 1) && bin(rank) < BINS));
        assert!(bin(0) < bin(1) && bin(1) < bin(3) && bin(1500) == bin(1600));
    }
}
