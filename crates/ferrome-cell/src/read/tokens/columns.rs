//! Which column of a table is what, and the cells of a batch of its rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type, Int64Type, Schema, SchemaRef};

use super::{TokenCell, trouble};
use crate::{Error, Result, read::parquet::files::show};

const TOKENS: &str = "input_ids";
const VALUES: [&str; 2] = ["values", "expr"];
const IDS: [&str; 3] = ["cell_id", "unique_cell_id", "barcode"];
const LENGTH: &str = "length";
const ERROR: &str = "error";

/// The columns of a table.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    ids: Option<String>,
    pub(super) values: Option<String>,
    length: bool,
    error: bool,
    pub(super) obs: SchemaRef,
}

impl Layout {
    pub(super) fn of(schema: &SchemaRef, path: &Path) -> Result<Self> {
        let kind = |name: &str| schema.field_with_name(name).ok().map(Field::data_type);
        match kind(TOKENS) {
            Some(kind) if item(kind).is_some_and(DataType::is_integer) => {}
            Some(kind) => {
                return Err(Error::file(
                    path,
                    format!("`input_ids` is of type {kind}, expected lists of whole numbers"),
                ));
            }
            None => {
                let found = show(schema);
                return Err(Error::file(path, format!("holds no tokens: no column `input_ids`; found {found}")));
            }
        }
        let values = VALUES.iter().find(|name| kind(name).and_then(item).is_some_and(DataType::is_numeric));
        let ids = IDS.iter().find(|name| kind(name).is_some_and(|kind| !kind.is_nested()));
        let taken = |name: &str| [TOKENS, LENGTH, ERROR].contains(&name) || ids.is_some_and(|id| *id == name);
        let goes = |field: &&Arc<Field>| !taken(field.name()) && !plain(field.data_type()).is_nested();
        let obs = schema.fields().iter().filter(goes);
        let obs: Vec<Field> = obs.map(|field| Field::new(field.name(), plain(field.data_type()), true)).collect();
        Ok(Self {
            ids: ids.map(|name| (*name).to_owned()),
            values: values.map(|name| (*name).to_owned()),
            length: kind(LENGTH).is_some_and(DataType::is_integer),
            error: kind(ERROR).is_some_and(DataType::is_string),
            obs: Arc::new(Schema::new(obs)),
        })
    }

    /// The cells of some rows.
    pub(super) fn read(&self, rows: &RecordBatch, path: &Path) -> Result<Block> {
        let column = |name: &str| {
            rows.column_by_name(name)
                .ok_or_else(|| Error::file(path, format!("has no column `{name}`, as others have")))
        };
        let as_kind = |name: &str, kind: &DataType| cast_exactly(column(name)?, kind).map_err(|e| trouble(path, e));
        let text = |name: &str| Ok::<_, Error>(as_kind(name, &DataType::Utf8)?.as_string::<i32>().clone());
        let list = |name: &str, kind: DataType| {
            let kind = DataType::new_list(kind, true);
            Ok::<_, Error>(as_kind(name, &kind)?.as_list::<i32>().clone())
        };
        let obs = self.obs.fields().iter().map(|field| as_kind(field.name(), field.data_type()));
        let obs: Vec<ArrayRef> = obs.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(Block {
            tokens: list(TOKENS, DataType::Int32)?,
            values: self.values.as_deref().map(|name| list(name, DataType::Float32)).transpose()?,
            ids: self.ids.as_deref().map(text).transpose()?,
            errors: self.error.then(|| text(ERROR)).transpose()?,
            lengths: self.length.then(|| as_kind(LENGTH, &DataType::Int64)).transpose()?,
            obs: Arc::new(RecordBatch::try_new_with_options(Arc::clone(&self.obs), obs, &options)?),
        })
    }
}

/// A batch of rows.
pub(super) struct Block {
    tokens: ListArray,
    values: Option<ListArray>,
    ids: Option<StringArray>,
    errors: Option<StringArray>,
    lengths: Option<ArrayRef>,
    obs: Arc<RecordBatch>,
}

impl Block {
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The cell in row `place`, which is row `before + 1` of the table.
    pub(super) fn cell(&self, place: usize, before: u64) -> TokenCell {
        let id = self.ids.as_ref().filter(|ids| ids.is_valid(place)).map(|ids| ids.value(place).to_owned());
        let values = self.values.as_ref().map(|values| numbers(values, place));
        TokenCell {
            row: before + 1,
            id: id.unwrap_or_else(|| before.to_string()),
            tokens: self.tokens(place),
            values,
            obs: Arc::clone(&self.obs),
            place,
        }
    }

    fn tokens(&self, place: usize) -> Result<Vec<i32>, String> {
        if self.tokens.is_null(place) {
            let reason = self.errors.as_ref().filter(|errors| errors.is_valid(place)).map(|errors| errors.value(place));
            return Err(reason.map_or_else(|| "`input_ids` is null".to_owned(), ToOwned::to_owned));
        }
        let list = self.tokens.value(place);
        if list.null_count() > 0 {
            return Err(format!("`input_ids` has {} nulls among its {} tokens", list.null_count(), list.len()));
        }
        let length = self.lengths.as_ref().filter(|lengths| lengths.is_valid(place));
        let length = length.map(|lengths| lengths.as_primitive::<Int64Type>().value(place));
        if let Some(length) = length.filter(|&length| usize::try_from(length) != Ok(list.len())) {
            return Err(format!("`length` is {length}, and `input_ids` has {} tokens", list.len()));
        }
        if let Some(values) = &self.values {
            let (count, nulls) = (values.value(place).len(), values.value(place).null_count());
            if count != list.len() || nulls > 0 {
                let tokens = list.len();
                return Err(format!("there are {} values for {tokens} tokens", count - nulls));
            }
        }
        Ok(list.as_primitive::<Int32Type>().values().to_vec())
    }
}

fn numbers(values: &ListArray, place: usize) -> Vec<f32> {
    values.value(place).as_primitive::<Float32Type>().values().to_vec()
}

/// Numbers that do not fit are an error, not a null.
fn cast_exactly(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    if column.data_type() == kind {
        return Ok(Arc::clone(column));
    }
    if column.data_type().is_nested() {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        return cast_with_options(column, kind, &options);
    }
    cast(column, kind)
}

fn item(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// Categories and every kind of text become plain text.
fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        kind => kind.clone(),
    }
}
