use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ferrome_core::engine::BoxError;

use crate::Result;
use crate::cells::Cells;
use crate::genes::Matching;
use crate::read::CellReader;

/// What is counted while cells are read, so that a run that goes on counts what an earlier one converted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    without_genes: AtomicU64,
    rounded: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> [u64; 2] {
        [&self.without_genes, &self.rounded].map(|count| count.load(Ordering::Relaxed))
    }
}

/// The blocks of a reader.
pub(super) struct Blocks {
    reader: Box<dyn CellReader>,
    first: Option<Cells>,
    known: Vec<bool>,
    block: usize,
    counts: Arc<Counts>,
    ended: bool,
}

impl Blocks {
    /// A matrix without cells still gives one part, which says what columns there are.
    pub(super) fn new(
        reader: Box<dyn CellReader>,
        first: Option<Cells>,
        matching: &Matching,
        block: usize,
        counts: &Arc<Counts>,
    ) -> Self {
        let first = first.unwrap_or_else(|| reader.header().no_cells());
        let known = matching.targets.iter().map(Option::is_some).collect();
        Self { reader, first: Some(first), known, block, counts: Arc::clone(counts), ended: false }
    }

    fn read(&mut self) -> Result<Option<Cells>> {
        let cells = match self.first.take() {
            Some(cells) => Some(cells),
            None => self.reader.next_cells(self.block)?,
        };
        let Some(cells) = cells else { return Ok(None) };
        cells.check(self.known.len())?;
        self.counts.rounded.fetch_add(cells.rounded, Ordering::Relaxed);
        self.counts.without_genes.fetch_add(self.without_genes(&cells), Ordering::Relaxed);
        Ok(Some(cells))
    }

    fn without_genes(&self, cells: &Cells) -> u64 {
        let knows = |&gene: &u32| self.known.get(gene as usize) == Some(&true);
        let any = |row: &[usize]| cells.genes.get(row[0]..row[1]).unwrap_or_default().iter().any(knows);
        let without = cells.starts.windows(2).enumerate().filter(|(_, row)| !any(row));
        let rejected = |row: usize| cells.rejected.binary_search_by_key(&row, |(row, _)| *row).is_ok();
        without.filter(|(row, _)| !rejected(*row)).count() as u64
    }
}

impl Iterator for Blocks {
    type Item = Result<Cells, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let block = self.read().map_err(BoxError::from).transpose();
        self.ended = !matches!(block, Some(Ok(_)));
        block
    }
}
