//! Neural-network blocks that two or more rooms use, all of one grammar: `load` takes a [`Loader`], `forward` one tensor.
//!
//! Letters in shape comments: `b` batch, `t` tokens, `d` width, `h` heads, `k` head width, `n` sequences.

mod attention;
mod embedding;
mod layer_norm;
mod linear;
mod loader;
mod rotary;

pub use attention::{Sequences, kernel_serves, self_attention, self_attention_with_dropout};
pub use embedding::Embedding;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use loader::Loader;
pub use rotary::Rotary;
