//! What is done with cells.

pub mod convert;
#[cfg(feature = "torch")]
pub mod embed;
pub mod network;
pub mod tokenize;
