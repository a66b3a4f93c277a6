//! `ferrome drug train`: a pair model from tables of pairs.
//!
//! Every drug and every protein of a step is encoded once and gathered for its pairs. Everything random (order, dropout) is
//! drawn from the seed and the number of the step, so that a run that was stopped and one that was not give the same weights
//! on the same machine.

mod batches;
mod card;
mod config;
mod data;
mod ensemble;
mod features;
mod fit;
mod measured;
mod run;
mod split;

pub use config::{BatchesConfig, LabelConfig, Loss, Store, TrainConfig};
pub use data::{Data, DataConfig, DrugTable, Pair, Protein, ProteinTable, TrainedDrug};
pub use measured::{Measured, Quality};
pub use run::{Outcome, Progress, Start, train};
pub use split::{Fold, Part, Split, SplitConfig, SplitKind};

pub(super) use card::split as split_in_words;

/// The folder, below a model's, of what a run goes on from.
const WORK: &str = "training";
