//! What is done with libraries.

pub mod featurize;
