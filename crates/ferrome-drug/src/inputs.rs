//! From molecules and sequences to batches of a pair model, by its configuration.
//!
//! [`Inputs`] and [`Drug`] know nothing of tensors and are made in any thread; [`drug_batch`] and [`protein_batch`] put them
//! on a device.

mod batch;
mod drug;
mod embeddings;
mod rows;

pub use batch::{drug_batch, protein_batch};
pub use drug::{Drug, Inputs, LAPLACIAN_PAIRS};
pub use embeddings::Embeddings;
pub use rows::{Reference, Rows, illegal_residue};
