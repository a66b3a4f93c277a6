//! Small tables, read whole.

use std::path::Path;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Error, Result};

/// All rows of a Parquet file.
///
/// # Errors
///
/// The file cannot be read, or is no Parquet file.
pub(crate) fn parquet(path: &Path) -> Result<Vec<RecordBatch>> {
    let wrong = |reason: String| Error::file(path, reason);
    let file = fs_err::File::open(path)?.into_file();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let reader = reader.map_err(|e| wrong(format!("is no Parquet file: {e}")))?;
    reader.collect::<Result<_, _>>().map_err(|e| wrong(e.to_string()))
}
