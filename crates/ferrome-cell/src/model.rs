//! The transcriptome models, one file each, and the doors through which their checkpoints come.

mod geneformer;

pub use geneformer::{Batch, Config as GeneformerConfig, Geneformer};
