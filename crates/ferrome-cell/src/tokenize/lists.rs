//! Columns of lists while they grow.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, Int64Array, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int16Type, Int32Type};

/// The field of a column of lists.
pub(super) fn list(name: &str, item: DataType) -> Field {
    Field::new_list(name, Field::new_list_field(item, true), true)
}

/// A column of lists while it grows.
pub(super) struct Lists<T: ArrowPrimitiveType> {
    /// The values of all rows so far, one row after the other.
    pub(super) values: Vec<T::Native>,
    offsets: Vec<i32>,
}

impl<T: ArrowPrimitiveType> Lists<T> {
    /// A column for about `rows` rows with `values` values together.
    pub(super) fn new(rows: usize, values: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { values: Vec::with_capacity(values), offsets }
    }

    /// Ends a row. A block is far smaller than 2^31 values.
    pub(super) fn close(&mut self) {
        self.offsets.push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
    }

    /// The length of each row.
    pub(super) fn lengths(&self) -> ArrayRef {
        Arc::new(self.offsets.windows(2).map(|pair| Some(i64::from(pair[1] - pair[0]))).collect::<Int64Array>())
    }

    /// The column; `item` is the type of the values.
    pub(super) fn finish(self, item: DataType) -> ArrayRef {
        let values = PrimitiveArray::<T>::new(ScalarBuffer::from(self.values), None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Arc::new(ListArray::new(Arc::new(Field::new_list_field(item, true)), offsets, Arc::new(values), None))
    }
}

/// A column of lists of tokens while it grows: 16 bits each where the vocabulary is small enough, as in Geneformer's own
/// files, since writing is a good part of the work.
pub(super) enum Ids {
    /// Up to 32,767.
    Short(Lists<Int16Type>),
    /// All others.
    Long(Lists<Int32Type>),
}

impl Ids {
    /// What holds tokens up to `highest`.
    pub(super) fn item(highest: i32) -> DataType {
        if i16::try_from(highest).is_ok() { DataType::Int16 } else { DataType::Int32 }
    }

    /// A column of tokens up to `highest` for about `rows` rows with `values` tokens together.
    pub(super) fn new(highest: i32, rows: usize, values: usize) -> Self {
        match Self::item(highest) {
            DataType::Int16 => Self::Short(Lists::new(rows, values)),
            _ => Self::Long(Lists::new(rows, values)),
        }
    }

    /// Adds tokens to the row.
    pub(super) fn extend(&mut self, tokens: impl Iterator<Item = i32>) {
        match self {
            Self::Short(lists) => lists.values.extend(tokens.map(|token| token as i16)),
            Self::Long(lists) => lists.values.extend(tokens),
        }
    }

    /// Ends the row.
    pub(super) fn close(&mut self) {
        match self {
            Self::Short(lists) => lists.close(),
            Self::Long(lists) => lists.close(),
        }
    }

    /// Tokens so far.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Short(lists) => lists.values.len(),
            Self::Long(lists) => lists.values.len(),
        }
    }

    /// The column, and the length of each row.
    pub(super) fn finish(self) -> [ArrayRef; 2] {
        match self {
            Self::Short(lists) => [lists.lengths(), lists.finish(DataType::Int16)],
            Self::Long(lists) => [lists.lengths(), lists.finish(DataType::Int32)],
        }
    }
}
