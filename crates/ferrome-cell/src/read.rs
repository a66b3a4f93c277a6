//! Reading cells: one door for every kind of file.
//!
//! [`open`] sees in the content what a file is. Blocks come in the order of the file; the same cells give the same blocks
//! however they are stored.

mod blocks;
mod choose;
pub mod dataset;
mod detect;
mod gather;
mod genes;
mod h5ad;
mod hdf5;
mod loom;
mod matrix;
pub mod memory;
mod mtx;
mod obs;
pub mod obsm;
pub mod parquet;
mod pool;
mod portion;
mod rows;
mod storage;
mod tenx;
pub mod tokens;
mod values;
pub(crate) mod whole;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;

use crate::Result;
use crate::cells::{Cells, Genes, ValueKind, Values};
use detect::Content;

pub use portion::{Portioned, count};

/// What a matrix says before its first cell.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its genes, in column order.
    pub genes: Genes,
    /// The number of its cells, where the file says it.
    pub cells: Option<u64>,
    /// The number of its stored entries, where the file says it.
    pub nonzeros: Option<u64>,
    /// The columns of `obs`, cell ids not among them.
    pub obs: SchemaRef,
    /// Where the values were taken from, such as `X`, `raw/X` or `layers/counts`.
    pub layer: String,
    /// What the values are.
    pub kind: ValueKind,
    /// What kind of file it is, for messages, such as `h5ad (CSR)`.
    pub format: &'static str,
}

impl Header {
    /// A block without cells, which still says what columns there are.
    #[must_use]
    pub(crate) fn no_cells(&self) -> Cells {
        let values = match self.kind {
            ValueKind::Counts => Values::Counts(Vec::new()),
            ValueKind::Floats => Values::Floats(Vec::new()),
        };
        Cells {
            first: 0,
            ids: StringArray::new_null(0),
            obs: RecordBatch::new_empty(self.obs.clone()),
            starts: vec![0],
            genes: Vec::new(),
            values,
            rejected: Vec::new(),
            rounded: 0,
        }
    }
}

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The matrix to take (`X`, `raw/X`, `layers/NAME`, or `NAME` of a layer; the genome of an old 10x file); without it,
    /// the first of X, `raw/X` and `layers/counts` that holds counts.
    pub layer: Option<String>,
    /// Take values that are no counts, if there are no counts.
    pub allow_floats: bool,
    /// Threads that decompress and decode; without it, those of rayon.
    pub threads: Option<NonZeroUsize>,
    /// The folder for what does not fit into memory while a matrix is transposed; without it, that of the system.
    pub scratch: Option<PathBuf>,
    /// For Parquet with token numbers: the table that names them, if not the one beside the file.
    pub gene_map: Option<PathBuf>,
}

/// Opens whatever holds cells: `.h5ad`, 10x `.h5`, loom, a 10x matrix folder or `.mtx` file, a dataset, Parquet.
///
/// # Errors
///
/// The path holds something else, no counts (unless `allow_floats`), or is damaged.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    match options.threads {
        Some(threads) => pool::open(path, threads, || open_here(path, options)),
        None => open_here(path, options),
    }
}

fn open_here(path: &Path, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    match detect::content(path)? {
        Content::Hdf5 => {
            let source = hdf5::Source::open(path)?;
            if h5ad::is_h5ad(&source) {
                return h5ad::open(&source, options);
            }
            if tenx::is_tenx(&source) {
                return tenx::open(&source, options);
            }
            if loom::is_loom(&source) {
                return loom::open(&source, options);
            }
            let groups = source.names("").join(", ");
            Err(source.wrong("", format!("no AnnData, 10x or loom layout found; top-level groups are {groups}")))
        }
        Content::Dataset => Ok(Box::new(dataset::DatasetReader::open(path)?)),
        Content::Parquet => parquet::open(path, options),
        Content::Mtx => mtx::open(path, options),
    }
}

/// A matrix of cells by genes that is read in order, block by block.
pub trait CellReader: Send {
    /// What is known before the first cell.
    fn header(&self) -> &Header;

    /// The next cells: about `nonzeros` entries, at least one cell, in the order of the file; `None` after the last one.
    ///
    /// Where a block ends depends on nothing but the file and `nonzeros`.
    ///
    /// # Errors
    ///
    /// The file is damaged or cannot be read.
    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>>;

    /// Passes over up to `cells` of the first cells, before any was read, without reading them; returns how many.
    ///
    /// Most files cannot: what is returned is 0 then.
    ///
    /// # Errors
    ///
    /// The file is damaged or cannot be read.
    fn pass_over(&mut self, _cells: u64) -> Result<u64> {
        Ok(0)
    }
}
