//! alevin-fry's `cr-like` for one cell: a UMI stays with the gene that has most of its reads, and with none when two have.

use super::{Entry, Placed, entries, support};

/// What stays of a cell's molecules, which are in order of gene and UMI.
pub(super) fn count(cell: &[Placed]) -> Vec<Entry> {
    let reads: Vec<u32> = cell.iter().map(|molecule| molecule.reads).collect();
    entries(cell, &support::keeps(cell, &reads)).collect()
}
