//! Joining finished parts into one file.

use std::path::PathBuf;

use arrow::array::RecordBatch;

use super::csv::CsvSink;
use super::ipc::IpcSink;
use super::npy::NpySink;
use super::parquet::ParquetSink;
use super::{Columns, Format, part};
use crate::Result;
use crate::journal::{Statistics, Workplace, publish};

/// A file that is being written.
pub(super) trait Sink {
    /// Adds rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Closes and syncs the file.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Streams all parts of `place` into its output file, which appears whole or not at all; `done` is what they hold.
///
/// `stop` is asked before each part; returns whether the output is there.
pub(crate) fn merge(place: &Workplace, columns: &Columns, done: &Statistics, stop: impl Fn() -> bool) -> Result<bool> {
    let parts: Vec<PathBuf> = place.finished_parts()?.into_iter().map(|number| place.part(number)).collect();
    merge_parts(place, columns, done, &parts, stop)
}

/// As [`merge`], of Parquet files wherever they lie; a folder for `datasets` takes the parts of `place`.
pub(crate) fn merge_parts(
    place: &Workplace,
    columns: &Columns,
    done: &Statistics,
    parts: &[PathBuf],
    stop: impl Fn() -> bool,
) -> Result<bool> {
    if place.output.format() == Format::HuggingFace {
        return super::hugging_face::assemble(place, done).map(|()| true);
    }
    let files = place.output.files();
    let unfinished: Vec<_> = (0..files.len()).map(|n| place.unfinished(&format!("output-{n}"))).collect();
    let (Some(main), Some(first)) = (unfinished.last(), unfinished.first()) else { return Ok(true) };
    let mut sink: Box<dyn Sink> = match place.output.format() {
        Format::Arrow => Box::new(IpcSink::create(main, &columns.table, &place.description)?),
        Format::Csv => Box::new(CsvSink::create(main, &columns.table)?),
        Format::Npy => Box::new(NpySink::create(first, main, columns, done.rows)?),
        Format::Parquet | Format::Dataset | Format::HuggingFace => {
            Box::new(ParquetSink::create(main, columns.table.clone(), &place.description)?)
        }
    };
    for path in parts {
        if stop() {
            return Ok(false);
        }
        for piece in part::pieces(path, &columns.table)? {
            sink.write(&piece?)?;
        }
    }
    sink.finish()?;
    place.write_journal(Some(done.clone()))?;
    for (unfinished, file) in unfinished.iter().zip(&files) {
        publish(unfinished, file)?;
    }
    Ok(true)
}
