//! What is done with proteins: each task supplies the engine with its verbs.

pub mod embed;
pub mod pretrain;
pub mod verify;
