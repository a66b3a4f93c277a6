//! The rows of a stored matrix, in order, however it is stored.

mod beside;
mod csc;
mod csr;
mod cut;
mod dense;
mod offsets;
mod spill;
mod transpose;

pub(super) use beside::Beside;
pub(super) use csc::{ByGene, Csc};
pub(super) use csr::Csr;
pub(super) use cut::{Bands, Cut};
pub(super) use dense::Dense;
pub(super) use offsets::Offsets;
pub(super) use spill::Spill;
pub(super) use transpose::Transposed;

use super::values::RawRows;
use crate::Result;

/// The most cells of a block.
pub(super) const MOST_ROWS: usize = 1 << 16;

/// A matrix that gives its rows in order.
pub(super) trait Rows: Send {
    /// As many of the next rows as have at most `nonzeros` stored entries together, but at least one and no more than
    /// [`MOST_ROWS`]; `None` after the last one.
    fn next_rows(&mut self, nonzeros: usize) -> Result<Option<RawRows>>;

    /// Passes over up to `rows` of the first rows, before any was read; returns how many.
    fn pass_over(&mut self, _rows: u64) -> Result<u64> {
        Ok(0)
    }

    /// Takes rows that are done with, whose memory may serve for the next ones.
    fn take_back(&mut self, _rows: RawRows) {}
}
