use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type};

use super::{Geneformer, Options, TARGET_SUM};
use crate::tokenize::lists::{Lists, list};
use crate::tokenize::slots::Row;

/// The columns of a block while they grow.
pub(super) struct Columns {
    input_ids: Lists<Int32Type>,
    uncropped: Lists<Int32Type>,
    counts: Lists<Float64Type>,
}

impl Columns {
    pub(super) fn new(rows: usize) -> Self {
        Self { input_ids: Lists::new(rows), uncropped: Lists::new(rows), counts: Lists::new(rows) }
    }

    pub(super) fn fields(options: &Options) -> Vec<Field> {
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
