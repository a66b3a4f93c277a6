//! What is done with cells.

pub mod convert;
#[cfg(feature = "torch")]
pub mod embed;
#[cfg(feature = "torch")]
pub mod network;
#[cfg(feature = "torch")]
pub mod perturb;
#[cfg(feature = "torch")]
pub mod predict_perturbation;
pub mod tokenize;
