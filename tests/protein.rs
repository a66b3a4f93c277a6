//! `ferrome protein`, end to end: what is written, and that its numbers are those of the reference packages.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

mod support;

#[path = "protein/batches.rs"]
mod batches;
#[path = "protein/golden.rs"]
mod golden;
#[path = "protein/long.rs"]
mod long;
#[path = "protein/outputs.rs"]
mod outputs;
#[path = "protein/pretrain.rs"]
mod pretrain;
#[path = "protein/real.rs"]
mod real;
#[path = "protein/rejected.rs"]
mod rejected;
#[path = "protein/specimens.rs"]
mod specimens;
#[path = "protein/translated.rs"]
mod translated;
