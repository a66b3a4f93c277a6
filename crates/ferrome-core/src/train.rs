//! What training needs in every room: the optimiser and the learning rate. Parameters are plain tensors with names.

mod adamw;
mod schedule;

pub use adamw::{AdamW, AdamWOptions};
pub use schedule::Schedule;
