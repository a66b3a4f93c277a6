//! The protein language models, one file each, and the doors through which their checkpoints come.

mod config;
mod esm;
mod foreign;
mod locate;
mod open;
mod resident;

pub use config::{Config, PositionKind};
pub use esm::{Batch, Esm};
pub use locate::locate;
pub use open::{OpenModel, open};
pub use resident::Resident;
