//! The columns of a table that describe its cells.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::files::Batch;
use crate::{Error, Result};

/// Columns of obs, by name.
#[derive(Clone)]
pub(super) struct Obs(SchemaRef);

impl Obs {
    /// These columns; dictionaries become their values, since each file has its own.
    pub(super) fn new<'f>(fields: impl Iterator<Item = &'f Arc<Field>>) -> Self {
        let fields: Vec<_> = fields.map(|field| Field::new(field.name(), plain(field.data_type()), true)).collect();
        Self(Arc::new(Schema::new(fields)))
    }

    /// Their schema.
    pub(super) fn schema(&self) -> SchemaRef {
        self.0.clone()
    }

    /// These columns of a batch.
    pub(super) fn of(&self, batch: &Batch) -> Result<RecordBatch> {
        let column = |field: &Arc<Field>| {
            cast(batch.column(field.name())?, field.data_type())
                .map_err(|error| Error::file(&batch.path, error.to_string()))
        };
        let columns = self.0.fields().iter().map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.0.clone(), columns, &options)?)
    }
}

fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        kind => kind.clone(),
    }
}
