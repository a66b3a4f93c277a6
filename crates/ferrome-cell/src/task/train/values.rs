//! What simple statistics reach on the same hidden values: their mean, and the mean of each gene.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::mask::{MaskedValues, Tokens};
use crate::model::scgpt::CellTokens;

/// Mean squared errors of hidden values.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct HiddenValues {
    /// How many were hidden.
    pub count: usize,
    /// Of the model's decoder.
    pub squared_error: f64,
    /// Of the mean over all values of the training cells.
    pub mean: f64,
    /// Of the gene's mean in the training cells, leaning on the mean over all with the weight of one cell.
    pub mean_of_gene: f64,
}

/// Evaluates both means, learnt from the training cells, on hidden values.
pub(super) fn evaluate<'c>(
    train: impl Iterator<Item = CellTokens<'c>>,
    known: &Tokens,
    masked: &[MaskedValues],
    squared_error: f64,
) -> HiddenValues {
    let mut genes: HashMap<i32, (f64, f64)> = HashMap::new();
    let (mut sum, mut count) = (0.0, 0.0_f64);
    for cell in train {
        for (&token, &value) in cell.tokens.iter().zip(cell.values).filter(|(token, _)| known.is_gene(**token)) {
            let gene = genes.entry(token).or_insert((0.0, 0.0));
            *gene = (gene.0 + f64::from(value), gene.1 + 1.0);
            (sum, count) = (sum + f64::from(value), count + 1.0);
        }
    }
    let mean = sum / count.max(1.0);
    let of_gene = |token: &i32| genes.get(token).map_or(mean, |(sum, count)| (sum + mean) / (count + 1.0));
    let hidden = || masked.iter().flat_map(|masked| masked.genes.iter().zip(&masked.targets));
    let n = hidden().count();
    let error = |guess: &dyn Fn(&i32) -> f64| {
        hidden().map(|(gene, &target)| (guess(gene) - f64::from(target)).powi(2)).sum::<f64>() / n.max(1) as f64
    };
    HiddenValues { count: n, squared_error, mean: error(&|_| mean), mean_of_gene: error(&of_gene) }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::task::train::mask::{NO_TOKEN, hide_values};

    #[test]
    fn gene_that_always_has_its_value_is_known_by_its_mean() {
        let known = Tokens::new(NO_TOKEN, vec![0, 1]);
        let (tokens, values) = ([0, 1], [10.0, 30.0]);
        let cells = vec![CellTokens { tokens: &tokens, values: &values }; 400];
        let masked = hide_values(cells.clone(), &known, 0.5, &mut ChaCha8Rng::seed_from_u64(1));
        let found = evaluate(cells.into_iter(), &known, &[masked], 7.0);
        assert!((found.mean - 100.0).abs() < 1e-9 && found.mean_of_gene < 1e-2, "{found:?}");
        assert!(found.count > 300 && found.squared_error == 7.0);
    }
}
