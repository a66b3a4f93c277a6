use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Float64Type};

use super::rank::Ranking;
use super::{Geneformer, Options, TARGET_SUM};
use crate::tokenize::lists::{Ids, Lists, list};
use crate::tokenize::slots::Row;

/// The columns of a block while they grow.
pub(super) struct Columns {
    input_ids: Ids,
    uncropped: Ids,
    counts: Lists<Float64Type>,
}

impl Columns {
    /// Columns for `rows` cells that have at most `genes` genes together.
    pub(super) fn new(geneformer: &Geneformer, rows: usize, genes: usize) -> Self {
        let Geneformer { options, highest, .. } = geneformer;
        let most = |kept: bool| if kept { genes } else { 0 };
        Self {
            input_ids: Ids::new(*highest, rows, genes + 2 * rows),
            uncropped: Ids::new(*highest, rows, most(options.keep_uncropped)),
            counts: Lists::new(rows, most(options.keep_counts)),
        }
    }

    pub(super) fn fields(Geneformer { options, highest, .. }: &Geneformer) -> Vec<Field> {
        let item = Ids::item(*highest);
        let mut fields = vec![list("input_ids", item.clone()), Field::new("length", DataType::Int64, true)];
        if options.keep_uncropped {
            fields.push(list("input_ids_uncropped", item));
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

    /// The tokens of a cell whose genes are ranked: the ranking holds positions in `row`.
    pub(super) fn push(&mut self, geneformer: &Geneformer, row: &Row, total: f64, ranking: &Ranking) {
        let Geneformer { options, tokens, frame, most, .. } = geneformer;
        let [cls, eos] = frame.map_or([None; 2], |frame| frame.map(Some));
        let token = |position: u32| tokens[row.slots[position as usize] as usize];
        self.input_ids.extend(cls.into_iter());
        self.input_ids.extend(ranking.order().take(*most).map(token));
        self.input_ids.extend(eos.into_iter());
        if options.keep_counts {
            let count = |position: u32| row.values[position as usize] / total * TARGET_SUM;
            self.counts.values.extend(cls.map(|_| 0.0));
            self.counts.values.extend(ranking.order().take(*most).map(count));
            self.counts.values.extend(eos.map(|_| 0.0));
        }
        if options.keep_uncropped {
            self.uncropped.extend(ranking.order().map(token));
        }
        self.push_empty();
    }

    /// Tokens so far.
    pub(super) fn tokens(&self) -> u64 {
        self.input_ids.len() as u64
    }

    pub(super) fn finish(self, options: &Options) -> Vec<ArrayRef> {
        let [length, input_ids] = self.input_ids.finish();
        let mut columns = vec![input_ids, length];
        if options.keep_uncropped {
            let [length, uncropped] = self.uncropped.finish();
            columns.extend([uncropped, length]);
        }
        if options.keep_counts {
            columns.push(self.counts.finish(DataType::Float64));
        }
        columns
    }
}
