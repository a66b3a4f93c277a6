//! The transcriptome models, one file each, and the doors through which their checkpoints come.

mod classifier;
mod dropout;
mod encoder;
mod geneformer;
mod locate;
mod open;
pub mod scgpt;
mod shape;

pub use classifier::{Classes, Classified, Classifier, Head as ClassifierHead};
pub use encoder::{Encoder, Place, Represented};
pub use geneformer::{Batch, Config as GeneformerConfig, Geneformer, OpenGeneformer, Specials};
pub use locate::locate;
pub use open::{Family, OpenModel, open};
pub use shape::Shape;
