//! Datasets: written by `convert`, read back, refused when damaged; and Parquet in the layouts that people have.

mod bad;
mod killed;
mod memory;
mod parquet;
mod written;
