use std::ffi::OsStr;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use csv::StringRecord;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{delimited, input};
use crate::{Error, Result};

/// Rows of a table with all of its columns; those of CSV and TSV are text.
pub(super) struct Rows {
    pub(super) batch: RecordBatch,
    /// Rows that could not be read, ascending, with the reason.
    pub(super) defects: Vec<(usize, String)>,
}

/// A table in blocks of rows.
pub(super) struct Table {
    pub(super) schema: SchemaRef,
    pub(super) blocks: Box<dyn Iterator<Item = Result<Rows>> + Send>,
}

/// Whether the name of a file is that of a table: CSV, TSV or Parquet, the first two plain or gzip.
#[must_use]
pub fn is_table(path: &Path) -> bool {
    is_parquet(path) || is_delimited(path)
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("parquet") || suffix.eq_ignore_ascii_case("pq"))
}

fn is_delimited(path: &Path) -> bool {
    let gzip = path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("gz"));
    let plain = if gzip { path.with_extension("") } else { path.to_owned() };
    let suffix = plain.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    matches!(suffix.as_str(), "csv" | "tsv" | "tab")
}

impl Table {
    /// Opens a table, to be read in blocks of `size` rows.
    pub(super) fn open(path: &Path, size: usize) -> Result<Self> {
        if is_parquet(path) {
            return Self::open_parquet(path, size);
        }
        if is_delimited(path) {
            return Self::open_delimited(path, size);
        }
        Err(Error::file(path, "unknown kind of table; expected .csv, .tsv or .parquet"))
    }

    fn open_parquet(path: &Path, size: usize) -> Result<Self> {
        let file = fs_err::File::open(path)?.into_parts().0;
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| input::unreadable(path, &error))?;
        let schema = Arc::new(Schema::new(builder.schema().fields().clone()));
        let reader = builder.with_batch_size(size).build().map_err(|error| input::unreadable(path, &error))?;
        let (path, kept) = (path.to_owned(), schema.clone());
        let blocks = reader.map(move |batch| {
            let batch = batch.map_err(|error| input::unreadable(&path, &error))?;
            let batch = RecordBatch::try_new(kept.clone(), batch.columns().to_vec())?;
            Ok(Rows { batch, defects: Vec::new() })
        });
        Ok(Self { schema, blocks: Box::new(blocks) })
    }

    fn open_delimited(path: &Path, size: usize) -> Result<Self> {
        let (head, rest) = delimited::head(input::open(path)?, path)?;
        let delimiter = delimited::delimiter(&head);
        let whole: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(rest));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(whole);
        let header = reader.byte_headers().map_err(|error| input::unreadable(path, &error))?;
        let names = header.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned());
        let fields: Vec<Field> = names.map(|name| Field::new(name, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let (path, kept) = (path.to_owned(), schema.clone());
        let mut records = reader.into_byte_records();
        let blocks = std::iter::from_fn(move || {
            let mut block = Block::new(&kept);
            while block.rows < size {
                match records.next() {
                    None if block.rows == 0 => return None,
                    None => break,
                    Some(Ok(record)) => block.push(&StringRecord::from_byte_record_lossy(record)),
                    Some(Err(error)) => return Some(Err(input::unreadable(&path, &error))),
                }
            }
            Some(block.finish(kept.clone()))
        });
        Ok(Self { schema, blocks: Box::new(blocks) })
    }
}

/// A block that is being read.
struct Block {
    columns: Vec<StringBuilder>,
    defects: Vec<(usize, String)>,
    rows: usize,
}

impl Block {
    fn new(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|_| StringBuilder::new()).collect();
        Self { columns, defects: Vec::new(), rows: 0 }
    }

    fn push(&mut self, record: &StringRecord) {
        let (expected, found) = (self.columns.len(), record.len());
        if found != expected {
            self.defects.push((self.rows, format!("expected {expected} fields, found {found}")));
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.append_option(record.get(i).map(str::trim));
        }
        self.rows += 1;
    }

    fn finish(mut self, schema: SchemaRef) -> Result<Rows> {
        let columns = self.columns.iter_mut().map(|column| -> ArrayRef { Arc::new(column.finish()) });
        Ok(Rows { batch: RecordBatch::try_new(schema, columns.collect())?, defects: self.defects })
    }
}
