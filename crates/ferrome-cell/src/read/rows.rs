//! The rows of a stored matrix, in order, however it is stored.

mod csr;
mod offsets;

pub(super) use csr::Csr;
pub(super) use offsets::Offsets;

use super::values::RawRows;
use crate::Result;

/// The most cells of a block.
pub(super) const MOST_ROWS: usize = 1 << 16;

/// A matrix that gives its rows in order.
pub(super) trait Rows: Send {
    /// As many of the next rows as have at most `nonzeros` stored entries together, but at least one and no more than
    /// [`MOST_ROWS`]; `None` after the last one.
    fn next_rows(&mut self, nonzeros: usize) -> Result<Option<RawRows>>;
}
