//! What is done with libraries and with pairs of drugs and proteins.

#[cfg(feature = "torch")]
pub mod evaluate;
pub mod featurize;
#[cfg(feature = "torch")]
pub mod score;
#[cfg(feature = "torch")]
pub mod train;
