//! Tables that fit into memory.

use std::path::Path;

use arrow::array::RecordBatch;

use super::csv::CsvSink;
use super::ipc::IpcSink;
use super::merge::Sink;
use super::parquet::ParquetSink;
use super::{Format, Output};
use crate::journal::{RunDescription, publish};
use crate::{Error, Result};

/// Writes one table, whole or not at all, as Parquet, Arrow IPC or CSV by the suffix of `path`. What `description` says stands in
/// the metadata of the file, where the format has any.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use ferrome_core::{journal::RunDescription, table::write_table};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ranks.csv");
/// let rank: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
/// write_table(&RecordBatch::try_from_iter([("rank", rank)])?, &path, &RunDescription::new())?;
/// assert_eq!(std::fs::read_to_string(path)?, "rank\n1\n2\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The suffix is none of these, or the file cannot be written.
pub fn write_table(table: &RecordBatch, path: &Path, description: &RunDescription) -> Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".ferrome-tmp");
    let unfinished = Path::new(&unfinished);
    let mut sink: Box<dyn Sink> = match Output::parse(path)?.format() {
        Format::Parquet => Box::new(ParquetSink::create(unfinished, table.schema(), description)?),
        Format::Arrow => Box::new(IpcSink::create(unfinished, &table.schema(), description)?),
        Format::Csv => Box::new(CsvSink::create(unfinished, &table.schema())?),
        Format::Npy | Format::Dataset | Format::HuggingFace => {
            let suffix = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::OutputSuffix { path: path.to_owned(), suffix });
        }
    };
    sink.write(table)?;
    sink.finish()?;
    publish(unfinished, path)
}
