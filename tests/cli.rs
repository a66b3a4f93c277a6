//! The command line, end to end: help, exit codes, messages, where models are found, stopping and going on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

mod support;

#[path = "cli/differs.rs"]
mod differs;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/exits.rs"]
mod exits;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/models.rs"]
mod models;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/registry.rs"]
mod registry;
#[path = "cli/resumed.rs"]
mod resumed;
#[path = "cli/sharded.rs"]
mod sharded;
