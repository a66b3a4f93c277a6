//! `ferrome protein pretrain`: masked-language-model training of an ESM-2, from scratch or from a checkpoint.
//!
//! Every choice that is random (order, crops, masks) is drawn from the seed and the number of the step, so that a run
//! that was stopped and one that was not give the same weights on the same machine.

mod baselines;
mod config;
mod corpus;
mod curve;
mod held_out;
mod init;
mod mask;
mod metrics;
mod save;
mod start;
mod state;
mod trainer;

pub use baselines::{Baselines, baselines};
pub use config::PretrainConfig;
pub use corpus::Corpus;
pub use metrics::Measured;
pub use start::{Outcome, Progress, Start};
pub use trainer::pretrain;
