use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{cast, filter, filter_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use ferrome_core::engine::BoxError;

use crate::cells::{Cells, ValueKind, Values};
use crate::genes::Matching;
use crate::read::{CellReader, Header};
use crate::{Error, Result};

/// The column of `obs` by which Geneformer's users mark the cells to take.
pub const FILTER_PASS: &str = "filter_pass";

/// What is counted while cells are read, so that a run that goes on counts what an earlier one converted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    without_genes: AtomicU64,
    filtered: AtomicU64,
    rounded: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> [u64; 3] {
        [&self.without_genes, &self.filtered, &self.rounded].map(|count| count.load(Ordering::Relaxed))
    }
}

/// The blocks of a reader, filtered.
pub(super) struct Blocks {
    reader: Box<dyn CellReader>,
    first: Option<Cells>,
    known: Vec<bool>,
    filter: Option<String>,
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
        filter: Option<String>,
        block: usize,
    ) -> Self {
        let first = first.unwrap_or_else(|| no_cells(reader.header()));
        let known = matching.targets.iter().map(Option::is_some).collect();
        Self { reader, first: Some(first), known, filter, block, counts: Arc::default(), ended: false }
    }

    pub(super) fn counting(mut self, counts: &Arc<Counts>) -> Self {
        self.counts = Arc::clone(counts);
        self
    }

    fn read(&mut self) -> Result<Option<Cells>> {
        let cells = match self.first.take() {
            Some(cells) => Some(cells),
            None => self.reader.next_cells(self.block)?,
        };
        let Some(cells) = cells else { return Ok(None) };
        cells.check(self.known.len())?;
        let cells = match &self.filter {
            Some(column) => self.passing(column, &cells)?,
            None => cells,
        };
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

    fn passing(&self, column: &str, cells: &Cells) -> Result<Cells> {
        let marks = cells.obs.column_by_name(column);
        let marks = marks.ok_or_else(|| Error::no_obs_column(column, cells.obs.schema_ref()))?;
        let kind = || Error::ObsColumnKind { column: column.to_owned(), found: marks.data_type().to_string() };
        let numbers = cast(marks, &DataType::Float64).map_err(|_| kind())?;
        let numbers = numbers.as_primitive_opt::<Float64Type>().ok_or_else(kind)?;
        let keep: BooleanArray = numbers.iter().map(|number| Some(number == Some(1.0))).collect();
        self.counts.filtered.fetch_add(keep.false_count() as u64, Ordering::Relaxed);
        keep_rows(cells, &keep)
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

fn gather<T: Copy>(values: &[T], spans: &[std::ops::Range<usize>]) -> Vec<T> {
    spans.iter().flat_map(|span| values.get(span.clone()).unwrap_or_default()).copied().collect()
}

fn no_cells(header: &Header) -> Cells {
    let values = match header.kind {
        ValueKind::Counts => Values::Counts(Vec::new()),
        ValueKind::Floats => Values::Floats(Vec::new()),
    };
    Cells {
        first: 0,
        ids: StringArray::new_null(0),
        obs: RecordBatch::new_empty(header.obs.clone()),
        starts: vec![0],
        genes: Vec::new(),
        values,
        rejected: Vec::new(),
        rounded: 0,
    }
}
