//! Parquet files: zstd, differences for integers, and no dictionaries for floats, which never repeat.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use fs_err::File;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::failed;
use super::merge::Sink;
use crate::Result;
use crate::journal::RunDescription;

/// Row groups are closed at about this size, which bounds the writer's memory.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// A Parquet file that is being written.
pub(crate) struct ParquetSink {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl ParquetSink {
    pub(super) fn create(path: &Path, schema: SchemaRef, description: &RunDescription) -> Result<Self> {
        let parquet = ArrowSchemaConverter::new().convert(&schema).map_err(|error| failed(path, error))?;
        let metadata = description.metadata().map(|(key, value)| KeyValue::new(key, value)).collect();
        // pyarrow shows the Arrow schema's metadata, polars and duckdb show the file's.
        let schema = SchemaRef::new(schema.as_ref().clone().with_metadata(description.metadata().collect()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_key_value_metadata(Some(metadata));
        let properties = parquet.columns().iter().fold(properties, |all, column| match column.physical_type() {
            Type::FLOAT | Type::DOUBLE => all.set_column_dictionary_enabled(column.path().clone(), false),
            Type::INT32 | Type::INT64 => all
                .set_column_dictionary_enabled(column.path().clone(), false)
                .set_column_encoding(column.path().clone(), Encoding::DELTA_BINARY_PACKED),
            _ => all,
        });
        let file = File::create(path)?;
        let writer =
            ArrowWriter::try_new(file, schema, Some(properties.build())).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Adds an entry to the file's metadata.
    pub(super) fn describe(&mut self, key: &str, value: String) {
        self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
}

impl Sink for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|error| failed(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.writer.finish().map_err(|error| failed(&self.path, error))?;
        self.writer.inner().sync_all().map_err(|error| failed(&self.path, error))
    }
}
