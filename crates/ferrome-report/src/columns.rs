//! The columns that a page holds: numbers, or text of which each kind is held once.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use hashbrown::HashMap;

/// The largest whole number up to which all are an `f32`.
const WHOLE: f64 = 16_777_216.0;

/// A column of the page.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// What a column holds, one for each row.
#[derive(Debug)]
pub(crate) enum Values {
    /// NaN where there is none.
    Numbers { values: Vec<f64>, whole: bool },
    /// The places of texts in `names`; as many as there are of them where there is none.
    Texts { codes: Vec<u32>, names: Vec<String>, known: HashMap<String, u32> },
}

/// What stands for no text while rows are added.
const NONE: u32 = u32::MAX;

impl Column {
    /// A column without rows; `None` where a page cannot hold what is in it.
    pub(crate) fn new(name: &str, kind: &DataType) -> Option<Self> {
        let values = if kind.is_numeric() {
            Values::Numbers { values: Vec::new(), whole: kind.is_integer() }
        } else if is_text(kind) {
            Values::Texts { codes: Vec::new(), names: Vec::new(), known: HashMap::new() }
        } else {
            return None;
        };
        Some(Self { name: name.to_owned(), values })
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, column: &ArrayRef) -> Result<(), String> {
        match &mut self.values {
            Values::Numbers { values, .. } => {
                let column = cast(column, &DataType::Float64).map_err(|error| error.to_string())?;
                values.extend(column.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
            }
            Values::Texts { codes, names, known } => {
                let column = text(column)?;
                for value in column.as_string::<i32>() {
                    codes.push(value.map_or(NONE, |value| code(value, names, known)));
                }
            }
        }
        Ok(())
    }

    /// Ends adding rows.
    pub(crate) fn finish(&mut self) {
        if let Values::Texts { codes, names, known } = &mut self.values {
            let none = u32::try_from(names.len()).unwrap_or(NONE);
            codes.iter_mut().filter(|code| **code == NONE).for_each(|code| *code = none);
            *known = HashMap::new();
        }
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.values {
            Values::Numbers { values, .. } => values.iter().all(|value| value.is_nan()),
            Values::Texts { names, .. } => names.is_empty(),
        }
    }

    /// Whether the page needs more than an `f32` for each number.
    pub(crate) fn is_long(&self) -> bool {
        match &self.values {
            Values::Numbers { values, whole } => *whole && values.iter().any(|value| value.abs() > WHOLE),
            Values::Texts { .. } => false,
        }
    }
}

/// A column as text.
pub(crate) fn text(column: &ArrayRef) -> Result<ArrayRef, String> {
    cast(column, &DataType::Utf8).map_err(|error| error.to_string())
}

/// Whether a column can be shown as text.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        DataType::Dictionary(_, values) => is_text(values) || values.is_numeric(),
        kind => kind.is_temporal(),
    }
}

fn code(value: &str, names: &mut Vec<String>, known: &mut HashMap<String, u32>) -> u32 {
    if let Some(&code) = known.get(value) {
        return code;
    }
    let code = u32::try_from(names.len()).unwrap_or(NONE);
    names.push(value.to_owned());
    known.insert(value.to_owned(), code);
    code
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Int64Array, StringArray};

    use super::*;

    fn column(array: ArrayRef) -> Column {
        let mut column = Column::new("a", array.data_type()).unwrap();
        column.push(&array).unwrap();
        column.push(&array).unwrap();
        column.finish();
        column
    }

    #[test]
    fn texts_are_held_once() {
        let held = column(Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")])));
        let Values::Texts { codes, names, .. } = held.values else { unreachable!("text") };
        assert_eq!((codes, names), (vec![0, 2, 1, 0, 0, 2, 1, 0], vec!["b".to_owned(), "a".to_owned()]));
        let held = column(Arc::new(BooleanArray::from(vec![Some(true), None])));
        let Values::Texts { names, .. } = held.values else { unreachable!("text") };
        assert_eq!(names, ["true"]);
    }

    #[test]
    fn columns_without_values_are_empty() {
        assert!(column(Arc::new(StringArray::new_null(3))).is_empty());
        assert!(column(Arc::new(Int64Array::new_null(3))).is_empty());
        assert!(!column(Arc::new(Int64Array::from(vec![Some(1), None]))).is_empty());
    }

    #[test]
    fn large_whole_numbers_are_long() {
        assert!(!column(Arc::new(Int64Array::from(vec![Some(16_777_216), None]))).is_long());
        assert!(column(Arc::new(Int64Array::from(vec![16_777_217]))).is_long());
        assert!(Column::new("a", &DataType::Binary).is_none());
    }
}
