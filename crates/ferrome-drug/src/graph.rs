//! Molecules as packed graphs: the nodes of all graphs of a batch one after another, without padding.

#[cfg(feature = "torch")]
mod batch;
#[cfg(feature = "torch")]
mod buckets;
mod packed;

#[cfg(feature = "torch")]
pub use batch::GraphBatch;
#[cfg(feature = "torch")]
pub use buckets::{Bucket, Buckets};
pub use packed::PackedGraphs;
