//! What is done with cells.

#[cfg(feature = "torch")]
pub mod annotate;
pub mod convert;
#[cfg(feature = "torch")]
pub mod embed;
#[cfg(feature = "torch")]
pub mod integrate;
#[cfg(feature = "torch")]
pub mod map;
#[cfg(feature = "torch")]
pub mod network;
#[cfg(feature = "torch")]
pub mod perturb;
#[cfg(feature = "torch")]
pub mod predict_perturbation;
#[cfg(feature = "torch")]
mod resident;
pub mod tokenize;
#[cfg(feature = "torch")]
pub mod train;

#[cfg(feature = "torch")]
pub use resident::Resident;
