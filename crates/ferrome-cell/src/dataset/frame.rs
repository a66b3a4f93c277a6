//! Columns of `obs` and `var` as they stand in a table, and what they were before.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use super::categories::{Categories, Encoder, plain};

/// What metadata keeps of the columns of `obs` or `var`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Frame {
    /// What the reader said of all columns together, such as the name of the index.
    pub metadata: BTreeMap<String, String>,
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// What metadata keeps of one column.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// Its name in the file that it came from, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// Its categories, when it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Categories>,
}

impl Column {
    /// Its name in the file that it came from.
    #[must_use]
    pub fn original(&self) -> &str {
        self.original.as_deref().unwrap_or(&self.name)
    }
}

impl Frame {
    /// Describes the columns of `table`; a name among `reserved` gets the suffix, until it is the only one.
    ///
    /// # Errors
    ///
    /// Categories have no text.
    pub fn new(table: &RecordBatch, reserved: &[&str], suffix: &str) -> Result<Self, ArrowError> {
        let schema = table.schema();
        let mut columns: Vec<Column> = Vec::with_capacity(table.num_columns());
        for (field, array) in schema.fields().iter().zip(table.columns()) {
            let mut name = field.name().clone();
            let taken = |name: &str| reserved.contains(&name) || columns.iter().any(|column| column.name == name);
            let others = |name: &str| schema.fields().iter().any(|other| other.name() == name);
            while taken(&name) || (name != *field.name() && others(&name)) {
                name.push_str(suffix);
            }
            let original = (name != *field.name()).then(|| field.name().clone());
            columns.push(Column { name, original, categories: Categories::of(field, array)? });
        }
        Ok(Self { metadata: schema.metadata().clone().into_iter().collect(), columns })
    }

    /// The columns whose names had to change: original name and name in the table.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter_map(|column| Some((column.original.as_deref()?, column.name.as_str())))
    }
}

/// Brings the columns of many blocks under one schema.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The fields, in order.
    pub fields: Vec<Arc<Field>>,
    encoders: Vec<Option<Encoder>>,
}

impl Columns {
    /// Columns as they stand in a table: names of the table, categories of text as dictionaries.
    ///
    /// # Errors
    ///
    /// The frame's categories cannot be built.
    pub fn stored(frame: &Frame, schema: &Schema) -> Result<Self, ArrowError> {
        let mut fields = Vec::new();
        let mut encoders = Vec::new();
        for (column, field) in frame.columns.iter().zip(schema.fields()) {
            let categories = column.categories.as_ref().filter(|categories| categories.kind == "Utf8");
            let stored = match categories {
                Some(categories) => categories.field(&column.name, field.is_nullable())?,
                None => Field::new(&column.name, stored_type(field.data_type()), field.is_nullable()),
            };
            fields.push(Arc::new(stored.with_metadata(field.metadata().clone())));
            encoders.push(categories.map(Encoder::new).transpose()?);
        }
        Ok(Self { fields, encoders })
    }

    /// Columns as they were before: original names, and all categories as dictionaries. `schema` is that of the table.
    ///
    /// # Errors
    ///
    /// The frame's categories cannot be built.
    pub fn original(frame: &Frame, schema: &Schema) -> Result<Self, ArrowError> {
        let mut fields = Vec::new();
        let mut encoders = Vec::new();
        for column in &frame.columns {
            let field = schema.field_with_name(&column.name)?;
            let original = match &column.categories {
                Some(categories) => categories.field(column.original(), field.is_nullable())?,
                None => Field::new(column.original(), stored_type(field.data_type()), field.is_nullable()),
            };
            fields.push(Arc::new(original.with_metadata(field.metadata().clone())));
            encoders.push(column.categories.as_ref().map(Encoder::new).transpose()?);
        }
        Ok(Self { fields, encoders })
    }

    /// Brings one block's columns, in the same order, under the schema.
    ///
    /// # Errors
    ///
    /// A value is not among its column's categories, or a column has another type than the first block's.
    pub fn apply(&self, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, ArrowError> {
        let all = self.fields.iter().zip(&self.encoders).zip(columns);
        let apply =
            |((field, encoder), column): ((&Arc<Field>, &Option<Encoder>), &ArrayRef)| -> Result<ArrayRef, ArrowError> {
                let of_column = |error| ArrowError::InvalidArgumentError(format!("column `{}`: {error}", field.name()));
                match encoder {
                    Some(encoder) => Ok(Arc::new(encoder.encode(column).map_err(of_column)?)),
                    None if column.data_type() == field.data_type() => Ok(column.clone()),
                    None => cast(column, field.data_type()).map_err(of_column),
                }
            };
        all.map(apply).collect()
    }

    /// As [`Self::apply`], as a table of `rows` rows with the metadata of `frame`.
    ///
    /// # Errors
    ///
    /// As [`Self::apply`].
    pub fn table(&self, frame: &Frame, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(frame), self.apply(columns)?, &options)
    }

    /// The schema with the metadata of `frame`.
    #[must_use]
    pub fn schema(&self, frame: &Frame) -> SchemaRef {
        let metadata = frame.metadata.clone().into_iter().collect();
        Arc::new(Schema::new_with_metadata(self.fields.clone(), metadata))
    }
}

/// The type under which a column is stored; text has one type only, and a dictionary that is no category has none.
fn stored_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        kind => plain(kind),
    }
}
