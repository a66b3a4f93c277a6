//! What is done with libraries.

pub mod featurize;
#[cfg(feature = "torch")]
pub mod score;
