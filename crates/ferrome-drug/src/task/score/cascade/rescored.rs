//! The best rows, by the better model.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use ferrome_core::engine::Rejection;

use super::super::block::{Block, PairTargets};
use super::super::shape::{Row, SEQUENCE, TARGET};
use super::again::Again;
use super::texts;
use crate::Result;
use crate::read::{Entry, Source};

impl Again {
    /// The rows of `chosen` as the better model sees them, in their order, and why it refuses some.
    pub(super) fn rescored(
        &self,
        batch: &RecordBatch,
        chosen: &[bool],
    ) -> Result<(RecordBatch, Vec<Option<Rejection>>)> {
        let (ids, smiles, keys) = (texts(batch, "drug_id")?, texts(batch, "smiles")?, texts(batch, TARGET)?);
        let rows: Vec<usize> = chosen.iter().enumerate().filter_map(|(row, chosen)| chosen.then_some(row)).collect();
        let entry = |&row: &usize| Entry {
            id: ids.value(row).to_owned(),
            source: Source::Smiles(smiles.value(row).to_owned()),
        };
        let entries: Vec<Entry> = rows.iter().map(entry).collect();
        if self.model.targets.is_empty() {
            let block = Block { first: 0, entries, pairs: Some(pairs(batch, &rows)?) };
            let scored = self.model.score(&block)?;
            let rows: Vec<Row> = (0..scored.rows()).map(|row| self.model.row(&block, &scored, row)).collect();
            return Ok((self.model.table(&block, &scored, &rows)?, scored.refused()));
        }
        let block = Block { first: 0, entries, pairs: None };
        let targets: Vec<usize> = rows.iter().map(|&row| keys.value(row).parse().unwrap_or(0)).collect();
        let scored = self.model.score_chosen(&block, &targets)?;
        let row = |(row, &target): (usize, &usize)| Row {
            row,
            entry: row,
            target: self.model.targets[target].id(),
            target_place: Some(target),
            place: scored.place(row).ok(),
            score: scored.written(row),
        };
        let rows: Vec<Row> = targets.iter().enumerate().map(row).collect();
        Ok((self.model.table(&block, &scored, &rows)?, scored.refused()))
    }
}

/// The targets of some rows of a table of pairs.
fn pairs(batch: &RecordBatch, rows: &[usize]) -> Result<PairTargets> {
    let (ids, sequences) = (texts(batch, "target_id")?, texts(batch, SEQUENCE)?);
    let sequence = |row: usize| sequences.is_valid(row).then(|| sequences.value(row).to_owned());
    let targets = rows.iter().map(|&row| (ids.value(row).to_owned(), sequence(row))).collect();
    // Other columns pass through from the fast model's rows.
    Ok(PairTargets { targets, others: RecordBatch::new_empty(Arc::new(Schema::empty())) })
}
