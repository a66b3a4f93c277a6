//! `ferrome cell train`: hidden genes or values, classes of cells, classes of genes, by models of either family.
//!
//! Everything random (order, masks, dropout, first weights) is drawn from the seed and the number of the step, so that a run
//! that was stopped and one that was not give the same weights on the same machine with the same number of threads.

use ferrome_core::fingerprint::hex;

use crate::vocabulary::Vocabulary;

mod adapter;
mod baselines;
mod card;
mod config;
mod data;
mod finish;
mod frequency;
mod init;
mod lesson;
mod mask;
mod measured;
mod network;
mod save;
mod split;
mod start;
mod state;
mod trainer;
mod values;

pub use baselines::Baseline;
pub use config::{ClassWeights, Lora, Matrix, Objective, Store, TrainConfig};
pub use data::{Corpus, CorpusCell};
pub use finish::Report;
pub use frequency::Baselines;
pub use measured::Measured;
pub use split::{Split, SplitConfig};
pub use start::{Outcome, Progress, Start};
pub use trainer::train;
pub use values::HiddenValues;

/// How a vocabulary is named beside the tokens that were made with it: by its style and fingerprint.
#[must_use]
pub fn vocabulary_name(vocabulary: &Vocabulary) -> String {
    format!("{}, xxh3 {}", vocabulary.style(), hex(vocabulary.fingerprint()))
}
