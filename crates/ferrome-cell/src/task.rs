//! What is done with cells.

pub mod convert;
#[cfg(feature = "torch")]
pub mod embed;
#[cfg(feature = "torch")]
pub mod network;
pub mod tokenize;
