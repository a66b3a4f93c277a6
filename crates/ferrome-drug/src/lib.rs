//! Drugs: molecules as graphs, a graph transformer that scores them against targets, and batch scoring of libraries.
//!
//! [`read`] gives the rows of a library, [`molecule`] what RDKit would make of them, [`featurize`] what models eat,
//! [`metrics`] what scores are worth.

mod error;
pub mod featurize;
pub mod metrics;
pub mod molecule;
pub mod read;

pub use error::{Error, Result};
