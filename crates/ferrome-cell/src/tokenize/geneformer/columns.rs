use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, Int64Array, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type};

use super::{Geneformer, Options, TARGET_SUM};
use crate::tokenize::slots::Row;

/// The columns of a block while they grow.
pub(super) struct Columns {
    input_ids: Lists<Int32Type>,
    uncropped: Lists<Int32Type>,
    counts: Lists<Float64Type>,
}

/// A column of lists while it grows.
struct Lists<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    offsets: Vec<i32>,
}

impl Columns {
    pub(super) fn new(rows: usize) -> Self {
        Self { input_ids: Lists::new(rows), uncropped: Lists::new(rows), counts: Lists::new(rows) }
    }

    pub(super) fn fields(options: &Options) -> Vec<Field> {
        let list = |name: &str, item: DataType| Field::new_list(name, Field::new_list_field(item, true), true);
        let mut fields = vec![list("input_ids", DataType::Int32), Field::new("length", DataType::Int64, true)];
        if options.keep_uncropped {
            fields.push(list("input_ids_uncropped", DataType::Int32));
            fields.push(Field::new("length_uncropped", DataType::Int64, true));
        }
        if options.keep_counts {
            fields.push(list("counts", DataType::Float64));
        }
        fields
    }

    /// A cell without tokens; special tokens alone would say nothing.
    pub(super) fn push_empty(&mut self) {
        self.input_ids.close();
        self.uncropped.close();
        self.counts.close();
    }

    /// The tokens of a cell whose genes are ranked: `order` holds positions in `row`.
    pub(super) fn push(&mut self, geneformer: &Geneformer, row: &Row, total: f64, order: impl Iterator<Item = u32>) {
        let Geneformer { options, tokens, frame, most, .. } = geneformer;
        let [cls, eos] = frame.map_or([None; 2], |frame| frame.map(Some));
        self.input_ids.values.extend(cls);
        self.counts.values.extend(cls.map(|_| 0.0));
        for (rank, position) in order.enumerate() {
            let slot = row.slots[position as usize] as usize;
            if rank < *most {
                self.input_ids.values.push(tokens[slot]);
            }
            if rank < *most && options.keep_counts {
                self.counts.values.push(row.values[position as usize] / total * TARGET_SUM);
            }
            if options.keep_uncropped {
                self.uncropped.values.push(tokens[slot]);
            }
        }
        self.input_ids.values.extend(eos);
        self.counts.values.extend(eos.map(|_| 0.0));
        self.push_empty();
    }

    /// Tokens so far.
    pub(super) fn tokens(&self) -> u64 {
        self.input_ids.values.len() as u64
    }

    pub(super) fn finish(self, options: &Options) -> Vec<ArrayRef> {
        let length = self.input_ids.lengths();
        let mut columns = vec![self.input_ids.finish(DataType::Int32), length];
        if options.keep_uncropped {
            let length = self.uncropped.lengths();
            columns.extend([self.uncropped.finish(DataType::Int32), length]);
        }
        if options.keep_counts {
            columns.push(self.counts.finish(DataType::Float64));
        }
        columns
    }
}

impl<T: ArrowPrimitiveType> Lists<T> {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { values: Vec::new(), offsets }
    }

    /// Ends a row. A block is far smaller than 2^31 values.
    fn close(&mut self) {
        self.offsets.push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
    }

    fn lengths(&self) -> ArrayRef {
        Arc::new(self.offsets.windows(2).map(|pair| Some(i64::from(pair[1] - pair[0]))).collect::<Int64Array>())
    }

    fn finish(self, item: DataType) -> ArrayRef {
        let values = PrimitiveArray::<T>::new(ScalarBuffer::from(self.values), None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Arc::new(ListArray::new(Arc::new(Field::new_list_field(item, true)), offsets, Arc::new(values), None))
    }
}
