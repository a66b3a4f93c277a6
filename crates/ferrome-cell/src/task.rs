//! What is done with cells.

#[cfg(feature = "torch")]
pub mod annotate;
pub mod convert;
#[cfg(feature = "torch")]
pub mod embed;
#[cfg(feature = "torch")]
pub mod map;
pub mod tokenize;
#[cfg(feature = "torch")]
pub mod train;
