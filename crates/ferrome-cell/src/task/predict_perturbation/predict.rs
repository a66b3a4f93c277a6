use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use tch::Kind;

use super::Screen;
use crate::Result;
use crate::model::scgpt::{Batch, CellTokens, Generator};

/// Tokens that are computed at a time.
const BATCH_TOKENS: usize = 16_384;

/// Mean expression of so many control cells, chosen by `seed`, after the genes at `perturbed` are perturbed: `[g]`. The same cells
/// are taken for every perturbation.
///
/// # Errors
///
/// Fails when the device has no room.
pub fn predict(
    generator: &Generator,
    screen: &Screen,
    perturbed: &[usize],
    most: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let _guard = tch::no_grad_guard();
    let controls = &screen.control().cells;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = index::sample(&mut random, controls.len(), most.min(controls.len())).into_vec();
    chosen.sort_unstable();
    let genes = screen.genes.len();
    let flags: Vec<i64> = (0..genes).map(|gene| i64::from(perturbed.contains(&gene))).collect();
    let mut sums = vec![0.0; genes];
    for cells in chosen.chunks((BATCH_TOKENS / genes.max(1)).max(1)) {
        let packed = cells.iter().filter_map(|&cell| controls.get(cell));
        let packed = packed.map(|&cell| CellTokens { tokens: &screen.tokens, values: screen.cell(cell) });
        let batch =
            Batch::new(&packed.collect::<Vec<_>>(), generator.device())?.with_flags(&flags.repeat(cells.len()))?;
        let values = generator.forward(&batch, |_, _| Ok(()))?.values.f_to_kind(Kind::Float)?;
        let values = Vec::<f32>::try_from(values)?;
        for (gene, value) in values.iter().enumerate() {
            sums[gene % genes] += f64::from(*value);
        }
    }
    Ok(sums.into_iter().map(|sum| sum / chosen.len().max(1) as f64).collect())
}
