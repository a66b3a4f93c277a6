//! Reading cells: one door for every kind of file.

use arrow::datatypes::SchemaRef;

use crate::Result;
use crate::cells::{Cells, Genes, ValueKind};

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
}
