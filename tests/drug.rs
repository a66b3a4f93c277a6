//! `ferrome drug`, end to end: what is written, for good rows and bad ones, and going on after a stop.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

mod support;

#[path = "drug/bad_input.rs"]
mod bad_input;
#[path = "drug/cascade.rs"]
mod cascade;
#[path = "drug/featurize.rs"]
mod featurize;
#[path = "drug/score.rs"]
mod score;
#[path = "drug/train.rs"]
mod train;
