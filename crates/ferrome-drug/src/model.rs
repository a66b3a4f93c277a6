//! The graph transformer over molecules, the protein encoders, and the pair model over both.
//!
//! Letters in shape comments: `n` nodes, `e` edges, `g` graphs, `d` width, `h` heads, `k` head width, `T` nodes of the
//! largest graph of a bucket, `p` proteins, `t` residues, `m` pairs.
//!
//! Every block has `load` and `forward`. `load` takes a [`Weights`], which reads a checkpoint strictly or draws at random,
//! and keeps every tensor under its name; `forward` takes a `train` flag where dropout or batch statistics depend on it.

mod attention;
mod config;
mod cross;
mod encoder;
mod fingerprint;
mod head;
mod kernel;
mod layer;
mod message;
mod mlp;
mod norm;
mod pair;
mod protein;
mod rows;
mod structure;
mod transformer;
mod weights;

pub use config::{
    AttentionConfig, ConvolutionConfig, FingerprintConfig, GraphConfig, HeadConfig, KernelConfig, LaplacianKind,
    LayerPlan, MessageKind, NormKind, PairConfig, Pooling, RowsConfig, Step,
};
pub use cross::Half;
pub use fingerprint::Fingerprints;
pub use head::Predicted;
pub use pair::{DrugBatch, PairModel, ProteinBatch};
pub use protein::Residues;
pub use transformer::GraphTransformer;
pub use weights::{Parts, Weights};

#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod parity;
