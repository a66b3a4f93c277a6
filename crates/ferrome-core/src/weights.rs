//! Model checkpoints, opened safely and without libtorch: safetensors, PyTorch zip and legacy files, sharded or not.
//!
//! A file is memory-mapped; nothing in it is executed and no length in it is trusted. A later layer turns the bytes
//! into tensors.
//!
//! ```
//! use ferrome_core::weights::{Checkpoint, Claims, DType};
//!
//! let header = br#"{"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
//! let mut file = (header.len() as u64).to_le_bytes().to_vec();
//! file.extend(header);
//! file.extend([0, 0, 128, 63, 0, 0, 0, 64]); // 1.0 and 2.0
//!
//! let checkpoint = Checkpoint::from_bytes("tiny.safetensors".as_ref(), file)?;
//! let mut claims = Claims::new(&checkpoint);
//! assert_eq!(claims.take("bias", &[2]).map(|info| info.dtype), Some(DType::F32));
//! claims.finish()?;
//! assert_eq!(checkpoint.with_bytes("bias", |bytes| bytes.len())?, 8);
//! # Ok::<(), ferrome_core::Error>(())
//! ```

mod archive;
mod checkpoint;
mod claims;
mod dtype;
mod format;
mod hub_cache;
mod hugging_face;
mod legacy;
mod locate;
mod mapping;
mod open;
mod pickle;
mod problem;
mod registry;
mod safetensors;
mod shards;
mod shipped;
mod storage;
mod tensor;
mod value;

#[cfg(test)]
mod specimens;

pub use checkpoint::Checkpoint;
pub use claims::Claims;
pub use dtype::{DType, Foreign};
pub use hub_cache::{CachedRepository, cache, hub_cache, hub_home, is_commit};
pub use hugging_face::{beside, with_prefix};
pub use locate::{Published, how_to_get, locate, or};
pub use problem::{Problem, PytorchProblem, SafetensorsProblem, ShardsProblem};
pub use registry::{Entry, KnownFile, Room, nearest, registered, registry, shards_named, shards_of};
pub use shipped::shipped;
pub use tensor::TensorInfo;
pub use value::Value;
