//! The two passes over a long table: which cells and genes there are, and the entries.

use std::path::PathBuf;

use arrow::array::{Array, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use hashbrown::HashMap;

use super::Columns;
use crate::read::parquet::files::{Batch, Files};
use crate::read::parquet::names::texts;
use crate::{Error, Result};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Names in order of first appearance.
#[derive(Default)]
pub(super) struct Numbering {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Numbering {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        // The table holds fewer names than rows that memory could hold.
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    pub(super) fn array(&self) -> StringArray {
        StringArray::from_iter_values(&self.names)
    }
}

/// What the first pass finds.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) cells: Numbering,
    pub(super) genes: Numbering,
    /// Rows of each cell.
    pub(super) entries: Vec<u64>,
    last: Option<u32>,
    /// A cell's rows do not all stand together.
    pub(super) scattered: bool,
}

impl Survey {
    /// Reads the cells and genes of all rows.
    pub(super) fn of(paths: &[PathBuf], columns: &Columns) -> Result<Self> {
        let mut survey = Self::default();
        let mut files = Files::new(paths, Some(vec![columns.cell.clone(), columns.gene.clone()]), BATCH_ROWS);
        while let Some(batch) = files.next()? {
            survey.add(&batch, columns)?;
        }
        Ok(survey)
    }

    fn add(&mut self, batch: &Batch, columns: &Columns) -> Result<()> {
        let (cells, genes) = (text(batch, &columns.cell)?, text(batch, &columns.gene)?);
        for (cell, gene) in cells.iter().zip(&genes) {
            // Neither is null: `text` has looked.
            let number = self.cells.number(cell.unwrap_or_default());
            self.genes.number(gene.unwrap_or_default());
            if self.entries.len() <= number as usize {
                self.entries.push(0);
            } else if self.last != Some(number) {
                self.scattered = true;
            }
            self.entries[number as usize] += 1;
            self.last = Some(number);
        }
        Ok(())
    }
}

/// The second pass: cell, gene and value of each row.
pub(in crate::read::parquet) struct Entries {
    files: Files,
    columns: Columns,
    cells: HashMap<String, u32>,
    genes: HashMap<String, u32>,
}

impl Entries {
    pub(super) fn new(paths: &[PathBuf], columns: &Columns, survey: Survey) -> Self {
        let wanted = vec![columns.cell.clone(), columns.gene.clone(), columns.count.clone()];
        let files = Files::new(paths, Some(wanted), BATCH_ROWS);
        Self { files, columns: columns.clone(), cells: survey.cells.numbers, genes: survey.genes.numbers }
    }

    /// Some rows; `None` after the last ones.
    pub(in crate::read::parquet) fn next(&mut self) -> Result<Option<Vec<(u32, u32, f64)>>> {
        let Some(batch) = self.files.next()? else { return Ok(None) };
        let (cells, genes) = (text(&batch, &self.columns.cell)?, text(&batch, &self.columns.gene)?);
        let values = numbers(&batch, &self.columns.count)?;
        let changed = || Error::file(&batch.path, "changed while it was read");
        let number = |numbers: &HashMap<String, u32>, name: Option<&str>| numbers.get(name?).copied();
        let rows = cells.iter().zip(&genes).zip(values.values());
        let rows = rows.map(|((cell, gene), &value)| {
            let cell = number(&self.cells, cell).ok_or_else(changed)?;
            Ok((cell, number(&self.genes, gene).ok_or_else(changed)?, value))
        });
        rows.collect::<Result<Vec<_>>>().map(Some)
    }
}

fn text(batch: &Batch, name: &str) -> Result<StringArray> {
    let column = texts(batch.column(name)?).map_err(|error| Error::file(&batch.path, error.to_string()))?;
    refuse_null(batch, name, &column)?;
    Ok(column)
}

fn numbers(batch: &Batch, name: &str) -> Result<Float64Array> {
    let column = cast(batch.column(name)?, &DataType::Float64)?.as_primitive::<Float64Type>().clone();
    refuse_null(batch, name, &column)?;
    Ok(column)
}

fn refuse_null(batch: &Batch, name: &str, column: &dyn Array) -> Result<()> {
    match (0..column.len()).find(|&row| column.is_null(row)) {
        Some(row) => Err(batch.trouble(row, format!("`{name}` is null"))),
        None => Ok(()),
    }
}
