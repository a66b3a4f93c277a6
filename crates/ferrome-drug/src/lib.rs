//! Drugs: molecules as graphs, a graph transformer that scores them against targets, and batch scoring of libraries.
//!
//! [`read`] gives the rows of a library, [`molecule`] what RDKit would make of them, [`featurize`] what models eat,
//! [`graph`] batches of it, `model` scores of pairs, [`metrics`] what the scores are worth, and
//! [`baseline`] what simpler methods reach.

pub mod baseline;
#[cfg(feature = "torch")]
pub mod checkpoint;
mod error;
pub mod featurize;
pub mod graph;
#[cfg(feature = "torch")]
pub mod inputs;
pub mod metrics;
#[cfg(feature = "torch")]
pub mod model;
pub mod molecule;
pub mod read;
pub mod task;

pub use error::{Error, Result};
