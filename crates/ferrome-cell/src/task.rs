//! What is done with cells.

pub mod convert;
pub mod tokenize;
