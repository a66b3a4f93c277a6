//! Several Parquet files as one table, batch by batch.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use fs_err::File;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::{Error, Result};

/// A file that is open for reading.
pub(crate) type Builder = ParquetRecordBatchReaderBuilder<std::fs::File>;

/// Opens a Parquet file.
///
/// # Errors
///
/// It cannot be read, or is no Parquet file.
pub(crate) fn open(path: &Path) -> Result<Builder> {
    let file = File::open(path)?.into_file();
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(path, &error))
}

/// Trouble with the file at `path`, on one line.
pub(crate) fn failed(path: &Path, error: &dyn std::error::Error) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    Error::file(path, format!("is no readable Parquet file ({line})"))
}

/// A batch of rows, and where they come from.
pub(crate) struct Batch {
    /// The file.
    pub(crate) path: PathBuf,
    /// The first row's number in the file, from 1.
    pub(crate) first: u64,
    /// The rows.
    pub(crate) rows: RecordBatch,
}

impl Batch {
    /// Trouble with a row.
    pub(crate) fn trouble(&self, row: usize, reason: impl AsRef<str>) -> Error {
        Error::file(&self.path, format!("row {}: {}", self.first + row as u64, reason.as_ref()))
    }

    /// The column `name`.
    pub(crate) fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.rows.column_by_name(name).ok_or_else(|| Error::file(&self.path, format!("has no column `{name}`")))
    }
}

/// The rows of several files, one file after the other.
pub(crate) struct Files {
    waiting: VecDeque<PathBuf>,
    roots: Option<Vec<String>>,
    batch_rows: usize,
    current: Option<(PathBuf, ParquetRecordBatchReader, u64)>,
}

impl Files {
    /// All columns, or those named `roots`, of the files at `paths`, `batch_rows` at a time.
    pub(crate) fn new(paths: &[PathBuf], roots: Option<Vec<String>>, batch_rows: usize) -> Self {
        Self { waiting: paths.iter().cloned().collect(), roots, batch_rows: batch_rows.max(1), current: None }
    }

    /// The next rows; `None` after the last ones.
    pub(crate) fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some((path, reader, rows)) = &mut self.current {
                if let Some(batch) = reader.next() {
                    let batch = batch.map_err(|error| failed(path, &error))?;
                    let first = *rows + 1;
                    *rows += batch.num_rows() as u64;
                    return Ok(Some(Batch { path: path.clone(), first, rows: batch }));
                }
                self.current = None;
            }
            let Some(path) = self.waiting.pop_front() else { return Ok(None) };
            let builder = open(&path)?;
            let mask = self.mask(&builder, &path)?;
            let reader = builder.with_projection(mask).with_batch_size(self.batch_rows).build();
            let reader = reader.map_err(|error| failed(&path, &error))?;
            self.current = Some((path, reader, 0));
        }
    }

    fn mask(&self, builder: &Builder, path: &Path) -> Result<ProjectionMask> {
        let Some(roots) = &self.roots else { return Ok(ProjectionMask::all()) };
        let schema = builder.schema();
        let place = |name: &String| {
            schema
                .index_of(name)
                .map_err(|_| Error::file(path, format!("has no column `{name}`, as the first file has")))
        };
        let places = roots.iter().map(place).collect::<Result<Vec<_>>>()?;
        Ok(ProjectionMask::roots(builder.parquet_schema(), places))
    }
}

/// The rows of all files at `paths`, as their footers say.
pub(crate) fn rows(paths: &[PathBuf]) -> Result<u64> {
    let rows = |path: &PathBuf| Ok(open(path)?.metadata().file_metadata().num_rows().unsigned_abs());
    paths.iter().map(rows).sum()
}

/// The Parquet files at `path`: itself, or those in the folder, by name.
///
/// # Errors
///
/// There is none.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs_err::read_dir(path)? {
        let file = entry?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if file.extension().is_some_and(|suffix| suffix == "parquet") && !hidden && !is_side_table(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(Error::file(path, "holds no .parquet file")) } else { Ok(files) }
}

/// Whether the file describes genes or samples, not cells.
fn is_side_table(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.contains("metadata") || name == "genes.parquet"
}

/// The columns of a file, as messages show them: the first eight.
pub(crate) fn show(schema: &SchemaRef) -> String {
    let shown = schema.fields().iter().take(8).map(|field| format!("`{}` ({})", field.name(), kind(field.data_type())));
    let more = schema.fields().len().saturating_sub(8);
    let shown = shown.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// A type as messages show it.
fn kind(kind: &DataType) -> String {
    match kind {
        DataType::List(item) | DataType::LargeList(item) => format!("list of {}", item.data_type()),
        DataType::FixedSizeList(item, width) => format!("list of {width} {}", item.data_type()),
        kind => kind.to_string(),
    }
}
