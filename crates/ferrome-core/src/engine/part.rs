//! Putting a window's rows into input order, and writing them as one part.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::interleave_record_batch;

use super::control::Opened;
use super::lane::OUT_OF_MEMORY;
use super::plan::Source;
use super::spill;
use crate::Result;
use crate::fingerprint::hex;
use crate::journal::{PartRecord, Statistics, Workplace};
use crate::table::Columns;
use crate::table::part::{self, PartWriter};

/// Rows are put into order in pieces of about this many tokens.
const PIECE_TOKENS: u64 = 16_384;

/// Writes the part of a window whose batches are all spilled, gives it its name, and removes the spills.
pub(super) fn write(place: &Workplace, columns: &Columns, opened: &Opened) -> Result<PartRecord> {
    let rows = Ordered::gather(place, columns, opened)?;
    let path = place.unfinished_part(opened.part);
    let mut writer = PartWriter::create(&path, columns.table.clone(), &place.description)?;
    let mut statistics =
        Statistics { rows: rows.places.len() as u64, unique: rows.unique(), ..opened.statistics.clone() };
    for piece in pieces(rows.places.len(), statistics.tokens) {
        let computed = rows.piece(piece.clone())?;
        count_rejected(&mut statistics, opened, piece.start, &computed);
        let described = opened.described.slice(piece.start, piece.len());
        let all = described.columns().iter().chain(computed.columns()).cloned().collect();
        writer.write(&RecordBatch::try_new(columns.table.clone(), all)?)?;
    }
    statistics.duplicates = statistics.rows.saturating_sub(statistics.unique + statistics.rejected_rows());
    let record = PartRecord { digest: hex(opened.digest), last: opened.last, statistics };
    writer.finish(&path, &record)?;
    place.publish_part(opened.part)?;
    for batch in 0..opened.batches.len() {
        fs_err::remove_file(place.spill(opened.part, batch))?;
    }
    Ok(record)
}

/// The computed columns of a window, wherever they come from, and where each row is among them.
struct Ordered {
    /// Rejected rows, rows of earlier parts, and batches.
    sources: Vec<RecordBatch>,
    /// Source and row in it, one for each row of the window.
    places: Vec<(usize, usize)>,
    /// Where the batches begin in `sources`.
    batches: usize,
}

impl Ordered {
    fn gather(place: &Workplace, columns: &Columns, opened: &Opened) -> Result<Self> {
        let earlier = earlier_rows(&opened.sources);
        let mut sources = vec![rejected_rows(columns, &opened.sources)?];
        for (&number, rows) in &earlier {
            sources.push(part::rows(&place.part(number), rows, columns)?);
        }
        let batches = sources.len();
        for (batch, &digest) in opened.batches.iter().enumerate() {
            sources.push(spill::read_again(&place.spill(opened.part, batch), digest)?);
        }
        let mut rejected = 0..;
        let place = |source: &Source| match source {
            Source::Computed(batch, row) => (batches + batch, *row),
            Source::Earlier(number, row) => {
                let rank = earlier.keys().position(|key| key == number).unwrap_or_default();
                let row = earlier.get(number).and_then(|rows| rows.binary_search(row).ok()).unwrap_or_default();
                (1 + rank, row)
            }
            Source::Rejected(_) => (0, rejected.next().unwrap_or_default()),
        };
        let places = opened.sources.iter().map(place).collect();
        Ok(Self { sources, places, batches })
    }

    fn piece(&self, rows: Range<usize>) -> Result<RecordBatch> {
        let sources: Vec<&RecordBatch> = self.sources.iter().collect();
        Ok(interleave_record_batch(&sources, self.places.get(rows).unwrap_or_default())?)
    }

    /// Inputs that the model computed.
    fn unique(&self) -> u64 {
        let computed = self.sources.iter().skip(self.batches);
        computed.filter_map(|batch| batch.columns().last().map(|error| error.null_count() as u64)).sum()
    }
}

/// One row of nulls with its reason for each rejected row.
fn rejected_rows(columns: &Columns, sources: &[Source]) -> Result<RecordBatch> {
    let reasons = sources.iter().filter_map(|source| match source {
        Source::Rejected(rejection) => Some(rejection.reason.as_str()),
        _ => None,
    });
    let reasons: ArrayRef = Arc::new(StringArray::from_iter_values(reasons));
    let nulls = columns.model.fields().iter().map(|field| new_null_array(field.data_type(), reasons.len()));
    Ok(RecordBatch::try_new(columns.computed.clone(), nulls.chain([reasons.clone()]).collect())?)
}

/// The rows of each earlier part that this window repeats, ascending, each once.
fn earlier_rows(sources: &[Source]) -> BTreeMap<usize, Vec<usize>> {
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for source in sources {
        if let Source::Earlier(number, row) = source {
            parts.entry(*number).or_default().push(*row);
        }
    }
    for rows in parts.values_mut() {
        rows.sort_unstable();
        rows.dedup();
    }
    parts
}

/// Ranges of rows that hold about [`PIECE_TOKENS`].
fn pieces(rows: usize, tokens: u64) -> impl Iterator<Item = Range<usize>> {
    let tokens_per_row = (tokens / (rows as u64).max(1)).max(1);
    let step = (PIECE_TOKENS / tokens_per_row).clamp(1, 4096) as usize;
    (0..rows).step_by(step).map(move |start| start..rows.min(start + step))
}

/// Counts the rows of a piece that begins at row `start` and have an error.
fn count_rejected(statistics: &mut Statistics, opened: &Opened, start: usize, computed: &RecordBatch) {
    let Some(errors) = computed.columns().last().and_then(|column| column.as_string_opt::<i32>()) else { return };
    let rows = opened.sources.iter().zip(&opened.names).skip(start);
    for (error, (source, name)) in errors.iter().zip(rows) {
        match source {
            Source::Rejected(rejection) => statistics.reject(&rejection.kind, 1, name),
            _ if error.is_some() => statistics.reject(OUT_OF_MEMORY, 1, name),
            _ => {}
        }
    }
}
