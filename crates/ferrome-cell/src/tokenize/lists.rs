//! Columns of lists while they grow.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, Int64Array, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};

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
    /// A column for about `rows` rows.
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { values: Vec::new(), offsets }
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
