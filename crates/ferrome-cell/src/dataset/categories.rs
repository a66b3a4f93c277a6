//! Categories of a column: their order, those that no row has, and whether the order means something.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// The categories of one column, as metadata keeps them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Categories {
    /// Whether their order means something, as in pandas.
    pub ordered: bool,
    /// Their type, as Arrow names it: `Utf8`, `Int64` ….
    #[serde(rename = "type")]
    pub kind: String,
    /// The categories in order, as text.
    pub values: Vec<String>,
}

/// The key of a field's metadata that says what its categories were, if not text.
pub const KIND: &str = "categories";

impl Categories {
    /// The categories of a dictionary column: all values of its dictionary; `None` when it is no dictionary.
    ///
    /// # Errors
    ///
    /// The values have no text.
    pub fn of(field: &Field, column: &dyn Array) -> Result<Option<Self>, ArrowError> {
        let DataType::Dictionary(_, kind) = field.data_type() else { return Ok(None) };
        let Some(dictionary) = column.as_any_dictionary_opt() else { return Ok(None) };
        let texts = texts(dictionary.values())?;
        let kind = field.metadata().get(KIND).cloned().unwrap_or_else(|| plain(kind).to_string());
        Ok(Some(Self {
            ordered: field.dict_is_ordered().unwrap_or_default(),
            kind,
            values: texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect(),
        }))
    }

    /// The categories as an array of text.
    #[must_use]
    pub fn array(&self) -> StringArray {
        StringArray::from_iter_values(&self.values)
    }

    /// The field of a column with these categories, as `field` was otherwise: `Dictionary(Int32, Utf8)`.
    #[must_use]
    pub fn field(&self, name: &str, field: &Field) -> Field {
        let mut metadata = field.metadata().clone();
        if self.kind != "Utf8" {
            metadata.insert(KIND.to_owned(), self.kind.clone());
        }
        let field = Field::new_dictionary(name, DataType::Int32, DataType::Utf8, field.is_nullable());
        field.with_dict_is_ordered(self.ordered).with_metadata(metadata)
    }
}

/// The type that text is stored as, whatever its width; every other type as it is.
pub(crate) fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        kind => kind.clone(),
    }
}

fn texts(values: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(values, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// Gives the columns of many blocks the same dictionary.
#[derive(Clone, Debug)]
pub struct Encoder {
    values: ArrayRef,
    codes: HashMap<String, i32>,
}

impl Encoder {
    /// An encoder for `categories`.
    #[must_use]
    pub fn new(categories: &Categories) -> Self {
        let codes = categories.values.iter().zip(0..).map(|(value, code)| (value.clone(), code)).collect();
        Self { values: Arc::new(categories.array()), codes }
    }

    /// The column as codes of the encoder's categories, whatever its own dictionary was.
    ///
    /// # Errors
    ///
    /// A value is not among the categories.
    pub fn encode(&self, column: &ArrayRef) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let keys = match column.as_any_dictionary_opt() {
            Some(dictionary) if same(dictionary.values(), &self.values) => keys(column)?,
            Some(dictionary) => {
                let codes = self.lookup(&texts(dictionary.values())?)?;
                let keys = keys(column)?;
                keys.iter().map(|key| codes.get(usize::try_from(key?).ok()?).copied().flatten()).collect()
            }
            None => self.lookup(&texts(column)?)?.into_iter().collect(),
        };
        DictionaryArray::try_new(keys, self.values.clone())
    }

    // A dictionary may hold values that no row has; they are refused as well, which costs a reader nothing.
    fn lookup(&self, texts: &StringArray) -> Result<Vec<Option<i32>>, ArrowError> {
        let code = |text: &str| {
            let code = self.codes.get(text).copied();
            code.ok_or_else(|| ArrowError::InvalidArgumentError(format!("`{text}` is not among the categories")))
        };
        texts.iter().map(|text| text.map(code).transpose()).collect()
    }
}

/// The keys of a dictionary column.
fn keys(column: &ArrayRef) -> Result<Int32Array, ArrowError> {
    let DataType::Dictionary(_, values) = column.data_type() else {
        return Ok(new_null_array(&DataType::Int32, column.len()).as_primitive::<Int32Type>().clone());
    };
    let wide = DataType::Dictionary(Box::new(DataType::Int32), values.clone());
    Ok(cast(column, &wide)?.as_dictionary::<Int32Type>().keys().clone())
}

// Blocks of one file share their dictionary, so that most comparisons end at the pointers.
fn same(left: &ArrayRef, right: &ArrayRef) -> bool {
    left.to_data().ptr_eq(&right.to_data()) || left == right
}
