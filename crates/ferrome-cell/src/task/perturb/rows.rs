use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray};
use ferrome_core::engine::BoxError;

use super::{Cell, Cells, Change, Names, Screen, StatesOf};
use crate::Result;

/// One perturbation of one cell; none of a cell that cannot be perturbed.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cell.
    pub cell: Arc<Cell>,
    /// What is done to it.
    pub change: Option<Change>,
    /// The rank of its gene, from 1, where it is one gene that the cell has.
    rank: Option<i32>,
}

impl Row {
    #[cfg(test)]
    pub(super) fn new(cell: &Arc<Cell>, change: Change) -> Self {
        Self { cell: Arc::clone(cell), change: Some(change), rank: None }
    }
}

/// The rows of a screen, cell by cell.
pub struct Rows {
    cells: Cells,
    screen: Arc<Screen>,
    start: Option<String>,
    waiting: VecDeque<Row>,
}

impl Rows {
    /// The rows of all cells, or of those in the state that is perturbed.
    #[must_use]
    pub fn new(cells: Cells, screen: Arc<Screen>, states: Option<StatesOf>) -> Self {
        Self { cells, screen, start: states.map(|states| states.start), waiting: VecDeque::new() }
    }

    fn fill(&mut self) -> Result<bool> {
        let Some(cell) = self.cells.next().transpose()? else { return Ok(false) };
        if self.start.is_some() && cell.state != self.start {
            return Ok(true);
        }
        let cell = Arc::new(cell);
        if cell.problem.is_some() {
            self.waiting.push_back(Row { cell, change: None, rank: None });
            return Ok(true);
        }
        let genes = self.screen.frame.genes(&cell.tokens);
        for change in self.screen.targets.of_cell(genes, self.screen.kind) {
            let rank = match change.genes.as_slice() {
                [gene] => genes.iter().position(|other| other == gene).and_then(|rank| i32::try_from(rank + 1).ok()),
                _ => None,
            };
            self.waiting.push_back(Row { cell: Arc::clone(&cell), change: Some(change), rank });
        }
        Ok(true)
    }
}

impl Iterator for Rows {
    type Item = Result<Row, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        }
        self.waiting.pop_front().map(Ok)
    }
}

/// The columns that are known without the model.
pub(super) fn describe(records: &[&Row], names: &Names) -> ferrome_core::Result<RecordBatch> {
    let of_genes = |name: &dyn Fn(&[i32]) -> Option<String>| -> StringArray {
        records.iter().map(|row| row.change.as_ref().and_then(|change| name(&change.genes))).collect()
    };
    let cells: StringArray = records.iter().map(|row| Some(row.cell.id.as_str())).collect();
    let random: BooleanArray = records.iter().map(|row| Some(row.change.as_ref()?.random)).collect();
    let ranks: Int32Array = records.iter().map(|row| row.rank).collect();
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("cell_id", Arc::new(cells), false),
        ("gene", Arc::new(of_genes(&|genes| Some(names.ids(genes)))), true),
        ("symbol", Arc::new(of_genes(&|genes| names.symbols(genes))), true),
        ("rank", Arc::new(ranks), true),
        ("random", Arc::new(random), true),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
