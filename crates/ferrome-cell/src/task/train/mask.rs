mod values;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

pub(super) use values::{MaskedValues, hide_values};

/// Stands for `<mask>` where it is values that are hidden.
pub(super) const NO_TOKEN: i32 = -1;

/// Which tokens are genes, and what hides one.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// The token of `<mask>`.
    pub(super) mask: i32,
    /// The tokens of all genes, ascending.
    pub(super) genes: Vec<i32>,
    is_gene: Vec<bool>,
}

/// Cells with some genes hidden, and what they were.
#[derive(Debug, Default)]
pub(super) struct Masked {
    /// Cells as the model sees them.
    pub(super) cells: Vec<Vec<i32>>,
    /// Places of the hidden genes in the packed batch.
    pub(super) places: Vec<i64>,
    /// Ranks of the hidden genes in their cells.
    pub(super) ranks: Vec<usize>,
    /// What they were.
    pub(super) targets: Vec<i64>,
    /// Tokens of the batch.
    pub(super) tokens: usize,
}

/// What stands in the place of a hidden gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// For training: 80 % `<mask>`, 10 % another gene, 10 % itself (BERT, arXiv:1810.04805).
    Bert,
    /// For evaluation: always `<mask>`, so that nothing of the truth can be seen.
    Mask,
}

impl Tokens {
    pub(super) fn new(mask: i32, mut genes: Vec<i32>) -> Self {
        genes.sort_unstable();
        let mut is_gene = vec![false; genes.last().map_or(0, |&last| usize::try_from(last).unwrap_or(0) + 1)];
        for &gene in &genes {
            if let Some(mark) = usize::try_from(gene).ok().and_then(|gene| is_gene.get_mut(gene)) {
                *mark = true;
            }
        }
        Self { mask, genes, is_gene }
    }

    pub(super) fn is_gene(&self, token: i32) -> bool {
        usize::try_from(token).ok().and_then(|token| self.is_gene.get(token)).copied().unwrap_or(false)
    }
}

/// Hides `share` of the genes of each cell.
pub(super) fn hide(cells: Vec<Vec<i32>>, known: &Tokens, share: f64, cover: Cover, random: &mut ChaCha8Rng) -> Masked {
    let mut masked = Masked::default();
    for mut cell in cells {
        for (rank, token) in cell.iter_mut().enumerate() {
            if known.is_gene(*token) && random.random_bool(share) {
                masked.places.push(i64::try_from(masked.tokens + rank).unwrap_or(i64::MAX));
                masked.ranks.push(rank);
                masked.targets.push(i64::from(*token));
                *token = match random.random_range(0..10) {
                    _ if cover == Cover::Mask => known.mask,
                    0 => known.genes.get(random.random_range(0..known.genes.len())).copied().unwrap_or(known.mask),
                    1 => *token,
                    _ => known.mask,
                };
            }
        }
        masked.tokens += cell.len();
        masked.cells.push(cell);
    }
    masked
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn shares_are_as_published_and_special_tokens_are_spared() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let known = Tokens::new(1, (4..104).collect());
        let mut cell = vec![7; 40_000];
        cell[0] = 2;
        cell[39_999] = 3;
        let masked = hide(vec![cell], &known, 0.15, Cover::Bert, &mut random);
        let hidden = masked.places.len() as f64;
        assert!((hidden / 40_000.0 - 0.15).abs() < 0.01);
        assert_eq!((masked.cells[0][0], masked.cells[0][39_999], masked.tokens), (2, 3, 40_000));
        let share = |wanted: &dyn Fn(i32) -> bool| {
            masked.places.iter().filter(|&&p| wanted(masked.cells[0][p as usize])).count() as f64 / hidden
        };
        assert!((share(&|t| t == 1) - 0.8).abs() < 0.02);
        assert!((share(&|t| t == 7) - 0.101).abs() < 0.02);
        assert!(masked.targets.iter().all(|&t| t == 7));
    }
}
