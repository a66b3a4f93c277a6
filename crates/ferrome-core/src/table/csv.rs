//! Comma-separated values; a vector becomes one column for each of its numbers.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::csv::Writer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use fs_err::File;

use super::failed;
use super::merge::Sink;
use crate::Result;

/// A CSV file that is being written.
pub(super) struct CsvSink {
    path: PathBuf,
    schema: SchemaRef,
    file: File,
    writer: Writer<BufWriter<File>>,
}

impl CsvSink {
    pub(super) fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let file = File::create(path)?;
        let writer = Writer::new(BufWriter::new(file.try_clone()?));
        let mut sink = Self { path: path.to_owned(), schema: flat_schema(schema), file, writer };
        // The writer puts the header before its first batch, so that a table without rows needs an empty one.
        let header = RecordBatch::new_empty(sink.schema.clone());
        sink.writer.write(&header).map_err(|error| failed(path, error))?;
        Ok(sink)
    }
}

impl Sink for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in batch.columns() {
            match column.data_type() {
                DataType::FixedSizeList(_, width) => columns.extend(split(column, *width)?),
                _ => columns.push(column.clone()),
            }
        }
        let flat = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.writer.write(&flat).map_err(|error| failed(&self.path, error))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        // Dropping the buffer would hide a failure.
        let mut buffer = self.writer.into_inner();
        std::io::Write::flush(&mut buffer).map_err(|error| failed(&self.path, error))?;
        self.file.sync_all().map_err(|error| failed(&self.path, error))
    }
}

/// `e0`, `e1`, … for the only vector; `NAME_0`, … where there are several.
fn flat_schema(schema: &Schema) -> SchemaRef {
    let vectors =
        schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::FixedSizeList(..))).count();
    let mut fields = Vec::new();
    for field in schema.fields() {
        let DataType::FixedSizeList(item, width) = field.data_type() else {
            fields.push(field.as_ref().clone());
            continue;
        };
        let prefix = if vectors == 1 { "e".to_owned() } else { format!("{}_", field.name()) };
        fields.extend((0..*width).map(|n| Field::new(format!("{prefix}{n}"), item.data_type().clone(), true)));
    }
    Arc::new(Schema::new(fields))
}

/// A column of vectors as one column for each dimension; a row without a vector is null in all.
fn split(column: &ArrayRef, width: i32) -> Result<Vec<ArrayRef>> {
    let lists = column.as_fixed_size_list();
    let width = u32::try_from(width).unwrap_or(0);
    let column = |dimension: u32| {
        let position = |row: u32| lists.is_valid(row as usize).then_some(row * width + dimension);
        let positions: UInt32Array = (0..lists.len() as u32).map(position).collect();
        take(lists.values(), &positions, None)
    };
    Ok((0..width).map(column).collect::<Result<_, _>>()?)
}
