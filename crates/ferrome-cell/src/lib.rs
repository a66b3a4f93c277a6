//! Cells: from BAM and AnnData to counts, sparse datasets and transcriptome tokens.
//!
//! Everything that holds counts is read through one door, [`read::CellReader`], as blocks of [`cells::Cells`]; what is done
//! with them (a dataset, tokens, a vocabulary, a report) never knows where they came from.

#[cfg(feature = "torch")]
pub mod baseline;
pub mod cells;
pub mod classification;
pub mod community;
pub mod count;
pub mod dataset;
mod error;
pub mod genes;
pub mod hvg;
#[cfg(feature = "torch")]
pub mod integration;
#[cfg(feature = "torch")]
pub mod model;
pub mod nearest;
#[cfg(feature = "torch")]
pub mod neighbours;
pub mod normalize;
pub mod qc;
mod quantile;
pub mod read;
#[cfg(feature = "torch")]
pub mod reduction;
pub mod task;
pub mod tokenize;
pub mod vocabulary;
pub mod write;

pub use error::{Error, Result};
