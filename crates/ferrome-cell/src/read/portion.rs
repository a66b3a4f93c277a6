//! The cells of one shard.

use std::ops::Range;

use ferrome_core::shard::Portion;

use super::blocks::slice;
use super::{CellReader, Header};
use crate::Result;
use crate::cells::{Cells, Values};

/// Stored entries that are read at a time where cells are only counted.
const BLOCK: usize = 2 << 20;

/// The cells of another reader that a shard computes. Those in quarantine become rejected cells without entries.
pub struct Portioned {
    reader: Box<dyn CellReader>,
    header: Header,
    portion: Portion,
    /// The place of the next cell in the input; `None` before the first.
    next: Option<u64>,
}

impl Portioned {
    /// The cells of `portion`, from a reader that has given none yet.
    #[must_use]
    pub fn new(reader: Box<dyn CellReader>, portion: Portion) -> Self {
        let header = Header { cells: Some(portion.len()), nonzeros: None, ..reader.header().clone() };
        Self { reader, header, portion, next: None }
    }
}

impl CellReader for Portioned {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let own = self.portion.rows();
        let mut next = match self.next {
            Some(next) => next,
            None => self.reader.pass_over(own.start)?,
        };
        while next < own.end {
            let Some(cells) = self.reader.next_cells(nonzeros)? else { break };
            let first = next;
            next += cells.len() as u64;
            self.next = Some(next);
            if next > own.start {
                let begin = own.start.saturating_sub(first) as usize;
                let end = (next.min(own.end) - first) as usize;
                return Ok(Some(self.without_quarantined(cut(cells, begin..end), first + begin as u64)));
            }
        }
        self.next = Some(next);
        Ok(None)
    }
}

fn cut(cells: Cells, rows: Range<usize>) -> Cells {
    if rows == (0..cells.len()) { cells } else { slice(&cells, rows) }
}

impl Portioned {
    /// Takes the entries of cells in quarantine away; `first` is the place of the first cell in the input.
    fn without_quarantined(&self, mut cells: Cells, first: u64) -> Cells {
        cells.first = first;
        let reasons: Vec<Option<String>> = (first..)
            .take(cells.len())
            .map(|row| self.portion.quarantined(row).map(|rejection| rejection.reason))
            .collect();
        if reasons.iter().all(Option::is_none) {
            return cells;
        }
        let spans: Vec<Range<usize>> = cells.starts.windows(2).map(|row| row[0]..row[1]).collect();
        let kept = || spans.iter().zip(&reasons).filter(|(_, reason)| reason.is_none()).map(|(span, _)| span.clone());
        let genes = kept().flat_map(|span| cells.genes[span].iter().copied()).collect();
        cells.values = match &cells.values {
            Values::Counts(values) => Values::Counts(kept().flat_map(|span| values[span].iter().copied()).collect()),
            Values::Floats(values) => Values::Floats(kept().flat_map(|span| values[span].iter().copied()).collect()),
        };
        cells.genes = genes;
        let mut end = 0;
        let ends = spans.iter().zip(&reasons).map(|(span, reason)| {
            end += if reason.is_none() { span.len() } else { 0 };
            end
        });
        cells.starts = std::iter::once(0).chain(ends).collect();
        cells.rejected.retain(|(row, _)| reasons.get(*row).is_none_or(Option::is_none));
        cells.rejected.extend(reasons.into_iter().enumerate().filter_map(|(row, reason)| Some((row, reason?))));
        cells.rejected.sort_by_key(|(row, _)| *row);
        cells
    }
}

/// The number of cells of a reader that has given none yet.
///
/// # Errors
///
/// Where the file does not say it, all cells are read; it is damaged or cannot be read.
pub fn count(mut reader: Box<dyn CellReader>) -> Result<u64> {
    if let Some(cells) = reader.header().cells {
        return Ok(cells);
    }
    let mut count = 0;
    while let Some(cells) = reader.next_cells(BLOCK)? {
        count += cells.len() as u64;
    }
    Ok(count)
}
