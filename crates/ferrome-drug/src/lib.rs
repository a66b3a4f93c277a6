//! Drugs: molecules as graphs, a graph transformer that scores them against targets, and batch scoring of libraries.

mod error;

pub use error::{Error, Result};
