//! What two or more rooms of Ferrome share, and nothing else.
//!
//! A job is always the same sentence: read → tokenize → batch → model → write. [`engine`] runs it; a room supplies the
//! verbs in the middle. Everything that needs libtorch sits behind the feature `torch`, so that readers, tokenizers
//! and the engine itself build and test in seconds.

pub mod batch;
pub mod engine;
mod error;
pub mod fingerprint;
pub mod host;
pub mod interrupt;
pub mod journal;
pub mod page;
pub mod progress;
pub mod shard;
pub mod table;
#[cfg(feature = "torch")]
pub mod train;
pub mod weights;

#[cfg(feature = "torch")]
pub mod device;
#[cfg(feature = "torch")]
mod ffi;
#[cfg(feature = "torch")]
pub mod nn;
#[cfg(feature = "torch")]
pub mod shelf;

pub use error::{Error, Result};
#[cfg(feature = "torch")]
pub use ffi::end_process;
