//! The dataset on disk: a folder of sparse rows in Parquet, and what its metadata says.
//!
//! ```text
//! DATASET/genes.parquet             one row per gene: gene_idx, gene_id, gene_id_full, gene_name, the columns of var
//! DATASET/cells/part-00000.parquet  one row per cell: cell_id, gene_idx, value, n_counts, the columns of obs, error
//! ```
//!
//! The footer of `genes.parquet` holds a [`Description`] under [`METADATA`]; every part's footer holds the SHA-256 of
//! `genes.parquet`, the layer and the kind of values, so that a part never meets the genes of another dataset.

pub mod categories;
pub mod frame;
pub mod genes;

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cells::ValueKind;
use frame::Frame;

/// The folder of parts, one row per cell.
pub const CELLS: &str = "cells";
/// The file of genes, one row per gene.
pub const GENES: &str = "genes.parquet";
/// The key of the [`Description`] in the footer of `genes.parquet`.
pub const METADATA: &str = "ferrome.dataset";
/// The version of the layout that this code writes, and the newest one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The entry of a part's footer with the SHA-256 of `genes.parquet`; `ferrome.` goes before it.
pub const GENES_DIGEST: &str = "genes.sha256";
/// The entry of a part's footer with the layer that the values were taken from; `ferrome.` goes before it.
pub const LAYER: &str = "layer";
/// The entry of a part's footer with the kind of the values, `counts` or `floats`; `ferrome.` goes before it.
pub const VALUES: &str = "values";

/// Columns of a part that no column of `obs` may have.
pub const CELL_COLUMNS: [&str; 5] = ["cell_id", "gene_idx", "value", "n_counts", "error"];
/// Columns of `genes.parquet` that no column of `var` may have.
pub const GENE_COLUMNS: [&str; 4] = ["gene_idx", "gene_id", "gene_id_full", "gene_name"];

/// What `genes.parquet` says of its dataset, as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Description {
    /// The version of the layout.
    pub format_version: u32,
    /// The number of cells, where it was known before the first.
    pub n_obs: Option<u64>,
    /// The number of genes.
    pub n_vars: u64,
    /// Whether the genes have names beside their ids.
    pub names: bool,
    /// What the columns of the parts were called, and their categories.
    pub obs: Frame,
    /// What the columns of `genes.parquet` were called, and their categories.
    pub var: Frame,
}

/// Whether the folder at `path` looks like a dataset: it has `genes.parquet` and `cells/`.
#[must_use]
pub fn is_dataset(path: &Path) -> bool {
    path.join(GENES).is_file() && path.join(CELLS).is_dir()
}

/// How a kind of values is called in metadata.
#[must_use]
pub fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Counts => "counts",
        ValueKind::Floats => "floats",
    }
}

/// The SHA-256 of `bytes`, as 64 lower-case hexadecimal digits.
///
/// ```
/// let digest = ferrome_cell::dataset::sha256(b"");
/// assert_eq!(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// ```
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing into a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
