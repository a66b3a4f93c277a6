//! Which column names a cell, and how cells are called where none does.

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;

/// Columns that hold the id of a cell, the first that is there.
const IDS: [&str; 8] =
    ["cell_id", "cell", "barcode", "cell_barcode", "BARCODE_SUB_LIB_ID", "obs_id", "obs_names", "__index_level_0__"];

/// The column of cell ids: pandas' index, or one that is called like one.
pub(super) fn id_column(schema: &Schema) -> Option<String> {
    let text = |name: &str| schema.field_with_name(name).is_ok_and(|field| is_text(field.data_type()));
    let pandas = pandas_index(schema).filter(|name| text(name));
    pandas.or_else(|| IDS.iter().find(|name| text(name)).map(|&name| name.to_owned()))
}

/// The name of the index in pandas' own metadata.
fn pandas_index(schema: &Schema) -> Option<String> {
    let pandas: serde_json::Value = serde_json::from_str(schema.metadata().get("pandas")?).ok()?;
    match pandas.get("index_columns")?.as_array()?.as_slice() {
        [index] => Some(index.as_str()?.to_owned()),
        _ => None,
    }
}

/// Whether a column holds text.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_text(values),
        kind => matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

/// The ids of a batch whose first row is row `first` (from 0) of all; without a column, cells are called by that number.
pub(super) fn ids(rows: &RecordBatch, column: Option<&str>, first: u64) -> Result<StringArray, ArrowError> {
    match column.and_then(|name| rows.column_by_name(name)) {
        Some(column) => {
            let ids = texts(column)?;
            // A cell without a name is still a cell.
            Ok(ids.iter().map(|id| Some(id.unwrap_or_default())).collect())
        }
        None => Ok((first..first + rows.num_rows() as u64).map(|row| Some(row.to_string())).collect()),
    }
}

/// A column as text.
pub(super) fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}
