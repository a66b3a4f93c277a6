//! Cutting what a file gives in its own pieces into blocks of about so many entries.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::{concat, concat_batches};

use super::rows::MOST_ROWS;
use crate::Result;
use crate::cells::{Cells, Values};

/// Cells in the pieces in which a file holds them.
pub(crate) trait Pieces: Send {
    /// The next piece, which may be empty; `None` after the last one.
    fn next_piece(&mut self) -> Result<Option<Cells>>;
}

/// Cuts pieces into blocks; where a block ends depends on the cells and the budget, not on the pieces.
pub(crate) struct Blocks {
    waiting: VecDeque<Cells>,
    cells: usize,
    entries: usize,
    first: u64,
    ended: bool,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), cells: 0, entries: 0, first: 0, ended: false }
    }

    /// The next block: as many cells as have at most `nonzeros` entries, at least one.
    pub(crate) fn next(&mut self, pieces: &mut dyn Pieces, nonzeros: usize) -> Result<Option<Cells>> {
        while !self.ended && self.entries <= nonzeros && self.cells < MOST_ROWS {
            match pieces.next_piece()? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => {
                    self.cells += piece.len();
                    self.entries += piece.genes.len();
                    self.waiting.push_back(piece);
                }
                None => self.ended = true,
            }
        }
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let mut block = join(&self.take(nonzeros))?;
        block.first = self.first;
        self.first += block.len() as u64;
        self.cells -= block.len();
        self.entries -= block.genes.len();
        Ok(Some(block))
    }

    fn take(&mut self, nonzeros: usize) -> Vec<Cells> {
        let (mut taken, mut cells, mut entries) = (Vec::new(), 0, 0);
        while let Some(piece) = self.waiting.pop_front() {
            // Starts ascend, so that the rows that fit come first.
            let mut rows = piece.starts.partition_point(|start| entries + start <= nonzeros).saturating_sub(1);
            rows = rows.min(MOST_ROWS - cells).max(usize::from(cells == 0)).min(piece.len());
            (cells, entries) = (cells + rows, entries + piece.starts[rows]);
            if rows == piece.len() {
                taken.push(piece);
                continue;
            }
            if rows > 0 {
                taken.push(slice(&piece, 0..rows));
            }
            self.waiting.push_front(slice(&piece, rows..piece.len()));
            break;
        }
        taken
    }
}

/// Some rows of a block. Its rounded values are counted with its first row.
pub(super) fn slice(cells: &Cells, rows: Range<usize>) -> Cells {
    let (start, end) = (cells.starts[rows.start], cells.starts[rows.end]);
    let rejected = cells.rejected.iter().filter(|(row, _)| rows.contains(row));
    Cells {
        first: cells.first + rows.start as u64,
        ids: cells.ids.slice(rows.start, rows.len()),
        obs: cells.obs.slice(rows.start, rows.len()),
        starts: cells.starts[rows.start..=rows.end].iter().map(|at| at - start).collect(),
        genes: cells.genes[start..end].to_vec(),
        values: match &cells.values {
            Values::Counts(values) => Values::Counts(values[start..end].to_vec()),
            Values::Floats(values) => Values::Floats(values[start..end].to_vec()),
        },
        rejected: rejected.map(|(row, reason)| (row - rows.start, reason.clone())).collect(),
        rounded: if rows.start == 0 { cells.rounded } else { 0 },
    }
}

/// Several blocks as one.
fn join(pieces: &[Cells]) -> Result<Cells> {
    if let [piece] = pieces {
        return Ok(piece.clone());
    }
    let ids: Vec<ArrayRef> = pieces.iter().map(|piece| Arc::new(piece.ids.clone()) as ArrayRef).collect();
    let ids: Vec<_> = ids.iter().map(AsRef::as_ref).collect();
    let ids: StringArray = concat(&ids)?.as_string::<i32>().clone();
    let schema =
        pieces.first().map(|piece| piece.obs.schema()).unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
    let obs = concat_batches(&schema, pieces.iter().map(|piece| &piece.obs))?;
    let mut joined = Cells {
        first: pieces.first().map_or(0, |piece| piece.first),
        ids,
        obs,
        starts: vec![0],
        genes: Vec::with_capacity(pieces.iter().map(|piece| piece.genes.len()).sum()),
        values: match pieces.first().map(|piece| &piece.values) {
            Some(Values::Floats(_)) => Values::Floats(Vec::new()),
            _ => Values::Counts(Vec::new()),
        },
        rejected: Vec::new(),
        rounded: 0,
    };
    for piece in pieces {
        let (rows, entries) = (joined.starts.len() - 1, joined.genes.len());
        joined.starts.extend(piece.starts.iter().skip(1).map(|start| start + entries));
        joined.genes.extend_from_slice(&piece.genes);
        match (&mut joined.values, &piece.values) {
            (Values::Counts(all), Values::Counts(values)) => all.extend_from_slice(values),
            (Values::Floats(all), Values::Floats(values)) => all.extend_from_slice(values),
            _ => return Err(crate::Error::Block("counts and other values in one matrix".to_owned())),
        }
        joined.rejected.extend(piece.rejected.iter().map(|(row, reason)| (row + rows, reason.clone())));
        joined.rounded += piece.rounded;
    }
    Ok(joined)
}
