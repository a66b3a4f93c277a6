//! What training needs in every room: the optimiser, the learning rate, what is written. Parameters are plain tensors with
//! names.

mod adamw;
mod curve;
mod resume;
mod save;
mod schedule;

pub use adamw::{AdamW, AdamWOptions, Means};
pub use curve::{Line, draw_curve};
pub use resume::{Kept, read_state, seed_step, state_entry};
pub use save::{write_tensors, write_tensors_as};
pub use schedule::Schedule;
