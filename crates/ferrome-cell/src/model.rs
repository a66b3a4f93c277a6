//! The transcriptome models, one file each, and the doors through which their checkpoints come.

mod geneformer;
mod locate;
mod open;
pub mod scgpt;

pub use geneformer::{Batch, Config as GeneformerConfig, Geneformer, OpenGeneformer, Specials};
pub use locate::locate;
pub use open::{Family, OpenModel, open};
