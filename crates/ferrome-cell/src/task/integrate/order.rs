//! Which cells are learnt from, and which cells share a step.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Corpus, IntegrateConfig};

/// The stream of chance that holds cells back; those of the epochs count from 0.
const HELD_BACK: u64 = u64::MAX;

/// Cells to learn from, and cells that choose the weights.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) train: Vec<usize>,
    pub(super) validation: Vec<usize>,
}

impl Split {
    /// Holds back a share of every batch, at least one cell of each.
    pub(super) fn new(corpus: &Corpus, config: &IntegrateConfig) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(HELD_BACK);
        let mut split = Self { train: Vec::new(), validation: Vec::new() };
        for batch in 0..corpus.batches.len() {
            let mut cells: Vec<usize> = (0..corpus.len()).filter(|&cell| corpus.batch[cell] == batch).collect();
            cells.shuffle(&mut random);
            let held = ((cells.len() as f64 * config.validation_share).round() as usize).clamp(1, cells.len() - 1);
            split.train.extend(cells.split_off(held));
            split.validation.extend(cells);
        }
        split.train.sort_unstable();
        split.validation.sort_unstable();
        split
    }

    /// The steps of an epoch: cells in random order, of one batch each where that is asked for.
    pub(super) fn steps(&self, corpus: &Corpus, config: &IntegrateConfig, epoch: u64) -> Vec<Vec<usize>> {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(epoch);
        let groups: Vec<Vec<usize>> = if config.one_batch_per_step {
            let of = |batch| self.train.iter().copied().filter(|&cell| corpus.batch[cell] == batch).collect();
            (0..corpus.batches.len()).map(of).collect()
        } else {
            vec![self.train.clone()]
        };
        let mut steps: Vec<Vec<usize>> = Vec::new();
        for mut cells in groups {
            cells.shuffle(&mut random);
            steps.extend(cells.chunks(config.batch_cells.max(1)).map(<[usize]>::to_vec));
        }
        steps.shuffle(&mut random);
        steps
    }
}
