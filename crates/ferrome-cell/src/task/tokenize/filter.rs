use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::{cast, filter, filter_record_batch};
use arrow::datatypes::{DataType, Float64Type};

use crate::cells::{Cells, Values};
use crate::read::{CellReader, Header};
use crate::{Error, Result};

/// The column of `obs` by which Geneformer's users mark the cells to take.
pub const FILTER_PASS: &str = "filter_pass";

/// The cells of another reader that have 1 in a column of `obs`.
pub struct Filtered {
    reader: Box<dyn CellReader>,
    header: Header,
    column: String,
    left_out: Arc<AtomicU64>,
}

impl Filtered {
    /// Filters `reader` by `column`.
    ///
    /// # Errors
    ///
    /// [`Error::NoObsColumn`].
    pub fn new(reader: Box<dyn CellReader>, column: &str) -> Result<Self> {
        let header = Header { cells: None, nonzeros: None, ..reader.header().clone() };
        if header.obs.column_with_name(column).is_none() {
            return Err(Error::no_obs_column(column, &header.obs));
        }
        Ok(Self { reader, header, column: column.to_owned(), left_out: Arc::default() })
    }

    /// Counts the cells that were left out so far.
    pub(super) fn left_out(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.left_out)
    }

    fn passing(&self, cells: &Cells) -> Result<BooleanArray> {
        let marks = cells.obs.column_by_name(&self.column);
        let marks = marks.ok_or_else(|| Error::no_obs_column(&self.column, cells.obs.schema_ref()))?;
        let kind = || Error::ObsColumnKind { column: self.column.clone(), found: marks.data_type().to_string() };
        let numbers = cast(marks, &DataType::Float64).map_err(|_| kind())?;
        let numbers = numbers.as_primitive_opt::<Float64Type>().ok_or_else(kind)?;
        Ok(numbers.iter().map(|number| Some(number == Some(1.0))).collect())
    }
}

impl CellReader for Filtered {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        while let Some(cells) = self.reader.next_cells(nonzeros)? {
            let keep = self.passing(&cells)?;
            let left_out = keep.len() - keep.true_count();
            self.left_out.fetch_add(left_out as u64, Ordering::Relaxed);
            if left_out == 0 {
                return Ok(Some(cells));
            }
            // A block has at least one cell.
            if keep.true_count() > 0 {
                return keep_rows(&cells, &keep).map(Some);
            }
        }
        Ok(None)
    }
}

/// The cells that are marked.
fn keep_rows(cells: &Cells, keep: &BooleanArray) -> Result<Cells> {
    let mut starts = vec![0];
    let mut entries = Vec::new();
    let mut places = Vec::with_capacity(keep.len());
    for (row, kept) in cells.starts.windows(2).zip(keep.values()) {
        places.push(kept.then_some(starts.len() - 1));
        if kept {
            entries.push(row[0]..row[1]);
            starts.push(starts.last().copied().unwrap_or_default() + row[1] - row[0]);
        }
    }
    let rejected = cells.rejected.iter().filter_map(|(row, reason)| Some(((*places.get(*row)?)?, reason.clone())));
    Ok(Cells {
        first: cells.first,
        ids: filter(&cells.ids, keep)?.as_string::<i32>().clone(),
        obs: filter_record_batch(&cells.obs, keep)?,
        genes: gather(&cells.genes, &entries),
        values: match &cells.values {
            Values::Counts(values) => Values::Counts(gather(values, &entries)),
            Values::Floats(values) => Values::Floats(gather(values, &entries)),
        },
        starts,
        rejected: rejected.collect(),
        rounded: cells.rounded,
    })
}

fn gather<T: Copy>(values: &[T], spans: &[Range<usize>]) -> Vec<T> {
    spans.iter().flat_map(|span| values.get(span.clone()).unwrap_or_default()).copied().collect()
}
