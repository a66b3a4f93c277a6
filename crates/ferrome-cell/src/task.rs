//! What is done with cells.

pub mod convert;
