//! The rows of one block, written as one part.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};

use super::{Converted, RejectedRow};
use crate::Result;
use crate::engine::verify::Made;
use crate::fingerprint::hex;
use crate::journal::{PartRecord, Statistics, Workplace};
use crate::table::Columns;
use crate::table::part::PartWriter;

/// Rows are written in pieces of this many.
const PIECE_ROWS: usize = 1024;

/// Writes the part, and gives it its name.
pub(super) fn write(place: &Workplace, columns: &Columns, made: &Made, converted: &Converted) -> Result<PartRecord> {
    let rows = converted.table.num_rows();
    let table = with_errors(converted, columns)?;
    let statistics = statistics(converted, made.rows);
    let record = PartRecord { digest: hex(made.digest), last: made.last, statistics };
    let path = place.unfinished_part(made.number);
    let mut writer = PartWriter::create(&path, columns.table.clone(), &place.description)?;
    for start in (0..rows).step_by(PIECE_ROWS) {
        writer.write(&table.slice(start, PIECE_ROWS.min(rows - start)))?;
    }
    writer.finish(&path, &record)?;
    place.publish_part(made.number)?;
    Ok(record)
}

/// The table with its column `error`.
fn with_errors(converted: &Converted, columns: &Columns) -> Result<RecordBatch> {
    let rows = converted.table.num_rows();
    let mut errors = StringBuilder::new();
    let mut rejected = converted.rejected.iter().peekable();
    for row in 0..rows {
        errors.append_option(rejected.next_if(|rejected| rejected.row == row).map(|row| &row.rejection.reason));
    }
    let errors: ArrayRef = Arc::new(errors.finish());
    let all = converted.table.columns().iter().cloned().chain([errors]).collect();
    Ok(RecordBatch::try_new(columns.table.clone(), all)?)
}

/// What was done for the `rows` of a block, whether they are in the table or not.
fn statistics(converted: &Converted, rows: usize) -> Statistics {
    let rows = rows as u64;
    let unique = rows.saturating_sub(converted.rejected.len() as u64);
    let mut statistics = Statistics { rows, unique, tokens: converted.tokens, ..Statistics::default() };
    for RejectedRow { name, rejection, .. } in &converted.rejected {
        statistics.reject(&rejection.kind, 1, name);
    }
    statistics
}
