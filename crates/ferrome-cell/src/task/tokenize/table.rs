use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::engine::{BoxError, Conversion, Converted, RejectedRow, Rejection};

use super::identity;
use super::obs::ObsColumns;
use crate::Result;
use crate::cells::{Cells, Values};
use crate::tokenize::{Tokenizer, Tokens};

/// Blocks of cells to rows of tokens.
pub(super) struct TokenTable<'a> {
    tokenizer: &'a dyn Tokenizer,
    obs: ObsColumns,
    /// Columns of `obs` that decide the rows.
    reads: Vec<String>,
    schema: SchemaRef,
}

impl<'a> TokenTable<'a> {
    pub(super) fn new(tokenizer: &'a dyn Tokenizer, obs: ObsColumns, columns: &Schema) -> Self {
        let mut fields = tokenizer.fields();
        fields.push(Field::new("cell_id", DataType::Utf8, true));
        fields.extend(obs.fields(columns));
        let reads = obs.names().map(str::to_owned).chain(tokenizer.reads_obs()).collect();
        Self { tokenizer, obs, reads, schema: Arc::new(Schema::new(fields)) }
    }

    fn convert(&self, mut cells: Cells) -> Result<Converted> {
        let Tokens { columns, tokens, rejected } = self.tokenizer.tokenize(&cells)?;
        // The matrix is most of the memory of a run, and done with.
        (cells.genes, cells.values) = (Vec::new(), Values::Counts(Vec::new()));
        let rejected = rows(&cells, rejected);
        let columns = without(columns, cells.len(), &rejected)?;
        let ids: ArrayRef = Arc::new(cells.ids.clone());
        let columns = columns.into_iter().chain([ids]).chain(self.obs.take(&cells.obs)?).collect();
        let table = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok(Converted { table, tokens, rejected })
    }
}

impl Conversion for TokenTable<'_> {
    type Block = Cells;

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self, block: &Cells) -> usize {
        block.len()
    }

    fn digest(&self, block: &Cells) -> u128 {
        identity::of(block, &self.reads)
    }

    fn convert(&self, block: Cells) -> Result<Converted, BoxError> {
        Ok(TokenTable::convert(self, block)?)
    }
}

/// The cells that the reader rejected and those that the tokenizer rejected, ascending; the reader's reason counts.
fn rows(cells: &Cells, tokenizer: Vec<(usize, String)>) -> Vec<RejectedRow> {
    let kinds = [(cells.rejected.clone(), "counts that cannot be used"), (tokenizer, "cannot be normalised")];
    let row = |(row, reason): (usize, String), kind: &str| RejectedRow {
        row,
        name: if cells.ids.len() > row { cells.ids.value(row).to_owned() } else { String::new() },
        rejection: Rejection::of_quarantine(&reason).unwrap_or_else(|| Rejection { kind: kind.to_owned(), reason }),
    };
    let all = kinds.into_iter().flat_map(|(rejected, kind)| rejected.into_iter().map(move |one| row(one, kind)));
    let mut all: Vec<RejectedRow> = all.collect();
    all.sort_by_key(|rejected| rejected.row);
    all.dedup_by_key(|rejected| rejected.row);
    all
}

/// The columns of tokens, null in rejected rows.
fn without(columns: Vec<ArrayRef>, count: usize, rejected: &[RejectedRow]) -> Result<Vec<ArrayRef>> {
    if rejected.is_empty() {
        return Ok(columns);
    }
    let mut mask = vec![false; count];
    for RejectedRow { row, .. } in rejected {
        if let Some(mark) = mask.get_mut(*row) {
            *mark = true;
        }
    }
    let mask = BooleanArray::from(mask);
    Ok(columns.iter().map(|column| nullif(column, &mask)).collect::<Result<_, _>>()?)
}
