use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Tokens;
use crate::model::scgpt::CellTokens;

/// What stands in the place of a hidden value: `mask_value` of the published models.
const HIDDEN: f32 = -1.0;

/// Cells with the values of some genes hidden, and what they were.
#[derive(Debug, Default)]
pub(in crate::task::train) struct MaskedValues<'c> {
    tokens: Vec<&'c [i32]>,
    values: Vec<Vec<f32>>,
    /// Places of the hidden values in the packed batch.
    pub(in crate::task::train) places: Vec<i64>,
    /// The genes there.
    pub(in crate::task::train) genes: Vec<i32>,
    /// What they were.
    pub(in crate::task::train) targets: Vec<f32>,
}

impl MaskedValues<'_> {
    /// Cells as the model sees them.
    pub(in crate::task::train) fn cells(&self) -> Vec<CellTokens<'_>> {
        let pairs = self.tokens.iter().zip(&self.values);
        pairs.map(|(tokens, values)| CellTokens { tokens, values }).collect()
    }
}

/// Hides the values of `share` of the genes of each cell; upstream's `random_mask_value`, which may also hide that of `<cls>`.
pub(in crate::task::train) fn hide_values<'c>(
    cells: Vec<CellTokens<'c>>,
    known: &Tokens,
    share: f64,
    random: &mut ChaCha8Rng,
) -> MaskedValues<'c> {
    let (mut masked, mut place) = (MaskedValues::default(), 0);
    for CellTokens { tokens, values } in cells {
        let mut seen = values.to_vec();
        for (&token, value) in tokens.iter().zip(&mut seen) {
            if known.is_gene(token) && random.random_bool(share) {
                masked.places.push(place);
                masked.genes.push(token);
                masked.targets.push(std::mem::replace(value, HIDDEN));
            }
            place += 1;
        }
        masked.tokens.push(tokens);
        masked.values.push(seen);
    }
    masked
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn values_of_genes_are_hidden_and_remembered() {
        let known = Tokens::new(super::super::NO_TOKEN, (0..5000).collect());
        let tokens: Vec<i32> = [9000].into_iter().chain(0..5000).collect();
        let values: Vec<f32> = (0..5001).map(|value| value as f32).collect();
        let cell = CellTokens { tokens: &tokens, values: &values };
        let masked = hide_values(vec![cell, cell], &known, 0.4, &mut ChaCha8Rng::seed_from_u64(2));
        assert!((masked.places.len() as f64 / 10_000.0 - 0.4).abs() < 0.02);
        let flat: Vec<f32> = masked.cells().iter().flat_map(|cell| cell.values.to_vec()).collect();
        for ((&place, &gene), &target) in masked.places.iter().zip(&masked.genes).zip(&masked.targets) {
            let at = usize::try_from(place).unwrap();
            assert_eq!((flat[at], target, gene), (HIDDEN, values[at % 5001], tokens[at % 5001]));
        }
        assert_eq!(flat.iter().filter(|&&value| value == HIDDEN).count(), masked.places.len());
        assert_eq!((flat[0], flat[5001]), (0.0, 0.0), "<cls> is no gene");
    }
}
