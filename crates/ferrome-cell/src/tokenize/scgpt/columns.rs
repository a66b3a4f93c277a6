use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type};

use crate::tokenize::lists::{Lists, list};

/// The columns of a block while they grow.
pub(super) struct Columns {
    input_ids: Lists<Int32Type>,
    values: Lists<Float32Type>,
}

impl Columns {
    /// Columns for so many rows with so many tokens at most.
    pub(super) fn new(rows: usize, tokens: usize) -> Self {
        Self { input_ids: Lists::new(rows, tokens), values: Lists::new(rows, tokens) }
    }

    pub(super) fn fields() -> Vec<Field> {
        let length = Field::new("length", DataType::Int64, true);
        vec![list("input_ids", DataType::Int32), length, list("values", DataType::Float32)]
    }

    /// Adds tokens to the row.
    pub(super) fn extend(&mut self, pairs: &[(i32, f32)]) {
        self.input_ids.values.extend(pairs.iter().map(|&(token, _)| token));
        self.values.values.extend(pairs.iter().map(|&(_, value)| value));
    }

    /// Ends the row.
    pub(super) fn close(&mut self) {
        self.input_ids.close();
        self.values.close();
    }

    /// Tokens so far.
    pub(super) fn tokens(&self) -> u64 {
        self.input_ids.values.len() as u64
    }

    pub(super) fn finish(self) -> Vec<ArrayRef> {
        let length = self.input_ids.lengths();
        vec![self.input_ids.finish(DataType::Int32), length, self.values.finish(DataType::Float32)]
    }
}
