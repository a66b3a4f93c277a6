//! Datasets: written by `convert`, read back, refused when damaged; and Parquet in the layouts that people have.

#![allow(clippy::unwrap_used, reason = "clippy knows tests only by #[test]")]

mod bad;
mod killed;
mod memory;
mod parquet;
mod written;
