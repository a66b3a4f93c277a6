//! Parts: Parquet files that say in their footer which rows they were made from, or Arrow streams with a file beside them
//! that says it.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use fs_err::File;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use serde::{Deserialize, Serialize};

use super::ipc::StreamSink;
use super::merge::Sink;
use super::parquet::ParquetSink;
use super::{Columns, failed};
use crate::journal::{METADATA_PREFIX, PartRecord, RunDescription, write_whole};
use crate::{Error, Result};

/// The metadata key of the [`PartRecord`].
pub(super) const RECORD: &str = "ferrome.part";

/// Rows are read in pieces of about this many bytes.
const PIECE_BYTES: i64 = 32 << 20;

/// What a part's footer says.
pub(crate) struct Footer {
    pub(crate) description: RunDescription,
    pub(crate) record: PartRecord,
}

/// A part that is being written.
pub(crate) enum PartWriter {
    Parquet(ParquetSink),
    Stream(StreamSink, Sidecar),
}

/// What stands beside an Arrow stream, as JSON.
#[derive(Deserialize, Serialize)]
pub(crate) struct Sidecar {
    description: RunDescription,
    record: PartRecord,
}

impl PartWriter {
    /// Creates the part at `path`, whose suffix (before `.tmp`) decides what it is.
    pub(crate) fn create(path: &Path, schema: SchemaRef, description: &RunDescription) -> Result<Self> {
        if is_stream(&path.with_extension("")) {
            let sidecar = Sidecar { description: description.clone(), record: PartRecord::default() };
            return StreamSink::create(path, &schema, description).map(|sink| Self::Stream(sink, sidecar));
        }
        ParquetSink::create(path, schema, description).map(Self::Parquet)
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Parquet(sink) => sink.write(batch),
            Self::Stream(sink, _) => sink.write(batch),
        }
    }

    /// Closes and syncs the file at `path`.
    pub(crate) fn finish(self, path: &Path, record: &PartRecord) -> Result<()> {
        match self {
            Self::Parquet(mut sink) => {
                let json = serde_json::to_string(record).map_err(|error| failed(path, error))?;
                sink.describe(RECORD, json);
                Box::new(sink).finish()
            }
            Self::Stream(sink, sidecar) => {
                Box::new(sink).finish()?;
                let sidecar = Sidecar { record: record.clone(), ..sidecar };
                let json = serde_json::to_vec(&sidecar).map_err(|error| failed(path, error))?;
                write_whole(&beside(&path.with_extension("")), &json)
            }
        }
    }
}

fn is_stream(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "arrow")
}

/// Where it is said what the stream at `path` was made from.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("json")
}

/// Reads the footer of the part at `path`.
///
/// # Errors
///
/// The file is not a part that ferrome wrote.
pub(crate) fn footer(path: &Path) -> Result<Footer> {
    let unreadable = |reason: String| Error::JournalUnreadable { path: path.to_owned(), reason };
    if is_stream(path) {
        let sidecar = fs_err::read(beside(path)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let sidecar: Option<Sidecar> = sidecar;
        let sidecar =
            sidecar.ok_or_else(|| unreadable("is not a part written by ferrome (no .json beside it)".to_owned()))?;
        return Ok(Footer { description: sidecar.description, record: sidecar.record });
    }
    let file = open(path).map_err(|error| unreadable(format!("is not a part written by ferrome ({error})")))?;
    let metadata = file.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let mut description = RunDescription::new();
    let mut record = None;
    for entry in &metadata {
        let value = entry.value.as_deref().unwrap_or_default();
        if entry.key == RECORD {
            record = serde_json::from_str(value).ok();
        } else if let Some(key) = entry.key.strip_prefix(METADATA_PREFIX) {
            description.set(key, value);
        }
    }
    let record = record.ok_or_else(|| unreadable("is not a part written by ferrome (no `ferrome.part`)".to_owned()))?;
    Ok(Footer { description, record })
}

/// The columns of the part at `path`, without what else its file says.
pub(crate) fn schema(path: &Path) -> Result<SchemaRef> {
    let builder = open(path).map_err(|error| failed(path, error))?;
    Ok(SchemaRef::new(Schema::new(builder.schema().fields().clone())))
}

/// All rows of the part at `path`, in pieces.
pub(crate) fn pieces(path: &Path, schema: &SchemaRef) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let builder = open(path).map_err(|error| failed(path, error))?;
    let rows = builder.metadata().file_metadata().num_rows().max(1);
    let bytes: i64 = builder.metadata().row_groups().iter().map(|group| group.total_byte_size()).sum();
    let rows_per_piece = (PIECE_BYTES / (bytes / rows).max(1)).clamp(1, 1024);
    let reader = builder.with_batch_size(usize::try_from(rows_per_piece).unwrap_or(1)).build();
    let reader = reader.map_err(|error| failed(path, error))?;
    // The reader's schema carries the file's metadata, which differs from part to part.
    Ok(reader.map(move |batch| {
        let batch = batch.map_err(|error| failed(path, error))?;
        Ok(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?)
    }))
}

/// The computed columns of some `rows` (ascending, each once) of the part at `path`.
pub(crate) fn rows(path: &Path, rows: &[usize], columns: &Columns) -> Result<RecordBatch> {
    let builder = open(path).map_err(|error| failed(path, error))?;
    let total = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let all = columns.table.fields().len();
    let computed = all - columns.computed.fields().len()..all;
    let mask = ProjectionMask::roots(builder.parquet_schema(), computed);
    let selection = RowSelection::from_consecutive_ranges(rows.iter().map(|&row| row..row + 1), total);
    let reader = builder.with_projection(mask).with_row_selection(selection).with_batch_size(rows.len().max(1)).build();
    let reader = reader.map_err(|error| failed(path, error))?;
    let batches: Result<Vec<RecordBatch>> = reader
        .map(|batch| {
            let batch = batch.map_err(|error| failed(path, error))?;
            Ok(RecordBatch::try_new(columns.computed.clone(), batch.columns().to_vec())?)
        })
        .collect();
    Ok(concat_batches(&columns.computed, &batches?)?)
}

pub(super) fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>, ParquetError> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(path)?.into_file(), options)
}
