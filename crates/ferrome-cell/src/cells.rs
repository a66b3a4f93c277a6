//! The shapes that every reader gives and every job takes: genes, and blocks of cells with their counts.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::Schema;

use crate::{Error, Result};

/// The genes of a matrix, in column order.
#[derive(Clone, Debug)]
pub struct Genes {
    /// The id of each gene as the file has it: an Ensembl id or a symbol, with its version if it has one.
    pub ids: StringArray,
    /// The name (symbol) of each gene, where the file has one beside the id.
    pub names: Option<StringArray>,
    /// All other columns of `var`, under their own names; one row per gene.
    pub columns: RecordBatch,
}

impl Genes {
    /// Genes with ids only.
    #[must_use]
    pub fn from_ids(ids: StringArray) -> Self {
        let columns = no_columns(ids.len());
        Self { ids, names: None, columns }
    }

    /// The number of genes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// What the values of a matrix are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueKind {
    /// Molecules: whole numbers, not negative.
    Counts,
    /// Anything else, taken because the user insisted.
    Floats,
}

/// The values of a block, one for each stored entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Molecules.
    Counts(Vec<i32>),
    /// Anything else.
    Floats(Vec<f32>),
}

impl Values {
    /// The number of stored entries.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Counts(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A block of `c` cells in the order of the input: rows of a sparse matrix, and their columns of `obs`.
///
/// Row `i` holds the entries `starts[i]..starts[i + 1]`. Within a row, genes ascend and each occurs once; no value is zero.
/// The row of a rejected cell is empty.
#[derive(Clone, Debug)]
pub struct Cells {
    /// The position of the first cell in the input.
    pub first: u64,
    /// `[c]`: cell ids (barcodes); not necessarily unique.
    pub ids: StringArray,
    /// `[c]` rows of `obs` columns; categories are dictionaries.
    pub obs: RecordBatch,
    /// `[c + 1]`: where each row begins.
    pub starts: Vec<usize>,
    /// `[nonzeros]`: column of each entry in [`Genes`].
    pub genes: Vec<u32>,
    /// `[nonzeros]`: value of each entry.
    pub values: Values,
    /// Cells that cannot be used (a NaN or negative count), by row, ascending, with the reason.
    pub rejected: Vec<(usize, String)>,
    /// Values that were within 1e-3 of a whole number, but not whole, and were rounded.
    pub rounded: u64,
}

impl Cells {
    /// The number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Checks what the type promises.
    ///
    /// # Errors
    ///
    /// [`Error::Block`], which says what is wrong; a defect of the reader that made the block.
    pub fn check(&self, genes: usize) -> Result<()> {
        let wrong = |what: &str| Err(Error::Block(what.to_owned()));
        if self.starts.len() != self.len() + 1 || self.starts.first() != Some(&0) {
            return wrong("there is not one start for each cell");
        }
        if self.starts.windows(2).any(|pair| pair[0] > pair[1]) || self.starts.last() != Some(&self.genes.len()) {
            return wrong("starts do not ascend to the number of entries");
        }
        if self.genes.len() != self.values.len() || self.obs.num_rows() != self.len() {
            return wrong("columns have different lengths");
        }
        let ascends = |row: &[u32]| row.windows(2).all(|pair| pair[0] < pair[1]);
        let rows = self.starts.windows(2).filter_map(|pair| self.genes.get(pair[0]..pair[1]));
        if !rows.into_iter().all(|row| ascends(row) && row.last().is_none_or(|&gene| (gene as usize) < genes)) {
            return wrong("genes of a row do not ascend, or are beyond the last gene");
        }
        let zero = match &self.values {
            Values::Counts(values) => values.iter().any(|&value| value <= 0),
            Values::Floats(values) => values.iter().any(|&value| value == 0.0 || !value.is_finite()),
        };
        if zero { wrong("a value is zero, negative or not finite") } else { Ok(()) }
    }
}

/// A table of `rows` rows without columns.
#[must_use]
pub fn no_columns(rows: usize) -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(Schema::empty());
    let table = RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options);
    // No column can disagree with the number of rows.
    table.unwrap_or_else(|_| RecordBatch::new_empty(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Cells {
        Cells {
            first: 0,
            ids: StringArray::from(vec!["a", "b"]),
            obs: no_columns(2),
            starts: vec![0, 2, 2],
            genes: vec![0, 3],
            values: Values::Counts(vec![1, 7]),
            rejected: Vec::new(),
            rounded: 0,
        }
    }

    #[test]
    fn sound_block_passes() {
        block().check(4).unwrap();
    }

    #[test]
    fn unsound_blocks_are_named() {
        let message = |cells: Cells| cells.check(4).unwrap_err().to_string();
        let defect = "a reader gave an unsound block of cells (a defect of ferrome): ";
        assert_eq!(
            message(Cells { genes: vec![3, 3], ..block() }),
            format!("{defect}genes of a row do not ascend, or are beyond the last gene")
        );
        assert_eq!(
            message(Cells { values: Values::Counts(vec![1, 0]), ..block() }),
            format!("{defect}a value is zero, negative or not finite")
        );
        assert_eq!(
            message(Cells { starts: vec![0, 2], ..block() }),
            format!("{defect}there is not one start for each cell")
        );
    }
}
