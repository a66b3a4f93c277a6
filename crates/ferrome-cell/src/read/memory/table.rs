use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::fingerprint::Fingerprint;

use super::add_array;
use crate::Result;
use crate::read::obs::{Frame, texts};

/// `obs` or `var` in memory: names, and the columns that can be read, as they are of a file.
#[derive(Clone, Debug)]
pub struct Table {
    ids: StringArray,
    columns: RecordBatch,
}

impl Table {
    /// A table whose first column has the names of the rows. Columns of kinds that no file of cells has are left out, and named
    /// in the metadata `skipped` of the schema, beside those that it names already.
    ///
    /// # Errors
    ///
    /// The names are no text, or there are none.
    pub fn new(table: &RecordBatch) -> Result<Self> {
        let names = table.columns().first();
        let names = names.ok_or_else(|| crate::Error::Block("a table without names of its rows".to_owned()))?;
        let ids = texts(names)?;
        let schema = table.schema();
        let mut skipped: Vec<String> = schema.metadata().get("skipped").cloned().into_iter().collect();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (field, column) in schema.fields().iter().zip(table.columns()).skip(1) {
            match normal(field, column)? {
                Some((field, column)) => {
                    fields.push(field);
                    columns.push(column);
                }
                None => skipped.push(field.name().clone()),
            }
        }
        let mut metadata: HashMap<String, String> =
            schema.metadata().get("index").map(|name| ("index".to_owned(), name.clone())).into_iter().collect();
        if !skipped.is_empty() {
            metadata.insert("skipped".to_owned(), skipped.join(", "));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(ids.len()));
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        Ok(Self { columns: RecordBatch::try_new_with_options(schema, columns, &options)?, ids })
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    pub(super) fn frame(&self) -> Frame {
        Frame::memory(self.ids.clone(), &self.columns)
    }

    pub(super) fn add_to(&self, hash: &mut Fingerprint) {
        add_array(&self.ids, hash);
        for (field, column) in self.columns.schema().fields().iter().zip(self.columns.columns()) {
            hash.push(field.name().as_bytes());
            add_array(column, hash);
        }
    }
}

/// A column as it would be read from a file; `None` for a kind that is none.
fn normal(field: &Field, column: &ArrayRef) -> Result<Option<(Field, ArrayRef)>> {
    let kind = column.data_type();
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let plain = |kind: &DataType| {
        kind.is_integer() || matches!(kind, DataType::Float32 | DataType::Float64 | DataType::Boolean) || text(kind)
    };
    let name = field.name();
    if let DataType::Dictionary(_, values) = kind
        && plain(values)
    {
        let ordered = field.dict_is_ordered().unwrap_or(false);
        let mut metadata = HashMap::new();
        if ordered {
            metadata.insert("ordered".to_owned(), "true".to_owned());
        }
        if !text(values) {
            metadata.insert("categories".to_owned(), values.to_string());
        }
        let field = Field::new_dictionary(name, DataType::Int32, DataType::Utf8, true);
        let column = cast(column, field.data_type())?;
        return Ok(Some((field.with_dict_is_ordered(ordered).with_metadata(metadata), column)));
    }
    if text(kind) {
        return Ok(Some((Field::new(name, DataType::Utf8, true), cast(column, &DataType::Utf8)?)));
    }
    if !plain(kind) {
        return Ok(None);
    }
    let masked = (column.null_count() > 0).then(|| ("mask".to_owned(), "true".to_owned()));
    let field = Field::new(name, kind.clone(), true).with_metadata(masked.into_iter().collect());
    Ok(Some((field, Arc::clone(column))))
}
