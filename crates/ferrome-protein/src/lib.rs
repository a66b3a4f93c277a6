//! Proteins: FASTA in, tokens and embeddings out.
//!
//! The modules follow the data: [`read`] turns files into proteins, [`tokenize`] residues into tokens; with the feature
//! `torch`, `model` has the language models and `task` what is done with them.

mod error;
#[cfg(feature = "torch")]
pub mod model;
pub mod read;
#[cfg(feature = "torch")]
pub mod task;
pub mod tokenize;

pub use error::{Error, ReadError, Result};
