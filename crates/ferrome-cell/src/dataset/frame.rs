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

    fn field(&self, name: &str, field: &Field) -> Field {
        match &self.categories {
            Some(categories) => categories.field(name, field),
            None => Field::new(name, stored_type(field.data_type()), field.is_nullable())
                .with_metadata(field.metadata().clone()),
        }
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

    fn encoders(&self) -> Vec<Option<Encoder>> {
        self.columns.iter().map(|column| column.categories.as_ref().map(Encoder::new)).collect()
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
    /// Columns as they stand in a table, from those of `schema`: names of the table, categories as dictionaries.
    #[must_use]
    pub fn stored(frame: &Frame, schema: &Schema) -> Self {
        let all = frame.columns.iter().zip(schema.fields());
        let fields = all.map(|(column, field)| Arc::new(column.field(&column.name, field))).collect();
        Self { fields, encoders: frame.encoders() }
    }

    /// Columns as they were before, from those of the table's `schema`: original names, categories as dictionaries.
    ///
    /// # Errors
    ///
    /// The table has not all columns.
    pub fn original(frame: &Frame, schema: &Schema) -> Result<Self, ArrowError> {
        let field = |column: &Column| {
            let field = schema.field_with_name(&column.name)?;
            Ok(Arc::new(column.field(column.original(), field)))
        };
        let fields = frame.columns.iter().map(field).collect::<Result<_, ArrowError>>()?;
        Ok(Self { fields, encoders: frame.encoders() })
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
