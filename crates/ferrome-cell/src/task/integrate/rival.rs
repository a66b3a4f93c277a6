//! Embeddings that were made elsewhere, to be scored beside ours.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use tch::Tensor;

use super::Corpus;
use crate::read::obsm::{CELL_ID, Obsm};
use crate::read::whole;
use crate::{Error, Result};

/// The column of vectors that `cell embed` writes.
const VECTORS: &str = "embedding";

/// Vectors of cells, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Rival {
    source: String,
    ids: Vec<String>,
    width: usize,
    values: Vec<f32>,
}

impl Rival {
    /// Reads a table (Parquet, CSV or TSV) with `cell_id` and either `embedding`, a list of numbers, or one number in every other column.
    ///
    /// # Errors
    ///
    /// The table cannot be read, has no such columns, or no numbers in them.
    pub fn of_table(path: &Path) -> Result<Self> {
        let mut rival = Self { source: path.display().to_string(), ..Self::default() };
        let batches = match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("parquet") => whole::parquet(path)?,
            Some("csv") => csv(path, b',')?,
            Some("tsv") => csv(path, b'\t')?,
            _ => return Err(Error::file(path, "expected a table: .parquet, .csv or .tsv; or obsm/KEY of the h5ad")),
        };
        for batch in batches {
            rival.add(&batch).map_err(|reason| Error::file(path, reason))?;
        }
        Ok(rival)
    }

    /// Reads a matrix of `obsm` of an h5ad file.
    ///
    /// # Errors
    ///
    /// The file is no h5ad or has no such matrix; those that there are are listed.
    pub fn of_obsm(path: &Path, key: &str) -> Result<Self> {
        let mut obsm = Obsm::open(path)?;
        let Some(&(_, width)) = obsm.matrices().iter().find(|(known, _)| known == key) else {
            let known: Vec<String> = obsm.matrices().iter().map(|(name, _)| format!("`{name}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::file(path, format!("there is no obsm matrix `{key}`; there are {known}")));
        };
        let rows = obsm.rows(0..obsm.cells())?;
        let values = obsm.vectors(key, 0..obsm.cells())?;
        let ids = texts(&rows, CELL_ID).map_err(|reason| Error::file(path, reason))?;
        Ok(Self { source: format!("{}: obsm/{key}", path.display()), ids, width, values })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), String> {
        self.ids.extend(texts(batch, CELL_ID)?);
        if let Some(column) = batch.column_by_name(VECTORS) {
            let wrong = || format!("`{VECTORS}` holds {}, expected lists of numbers of one length", column.data_type());
            let width = match column.data_type() {
                DataType::FixedSizeList(_, width) => usize::try_from(*width).unwrap_or(0),
                _ => return Err(wrong()),
            };
            let lists = column.as_fixed_size_list();
            self.width = width;
            for row in 0..lists.len() {
                let values =
                    if lists.is_null(row) { None } else { Some(numbers(&lists.value(row)).ok_or_else(wrong)?) };
                self.values.extend(values.unwrap_or_else(|| vec![f32::NAN; width]));
            }
            return Ok(());
        }
        let schema = batch.schema();
        let others = || schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != CELL_ID);
        let columns = others().map(|(field, column)| {
            numbers(column)
                .ok_or_else(|| format!("column `{}` holds {}, expected numbers", field.name(), column.data_type()))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.width = columns.len();
        if columns.is_empty() {
            return Err(format!("has no column beside `{CELL_ID}`"));
        }
        for row in 0..batch.num_rows() {
            self.values.extend(columns.iter().map(|column| column[row]));
        }
        Ok(())
    }

    /// The vectors of the corpus's cells, in its order: `[c, d]`.
    ///
    /// # Errors
    ///
    /// A cell has none, or one that holds what is no number.
    pub fn rows(&self, corpus: &Corpus) -> Result<Tensor> {
        let in_order = self.ids == corpus.ids;
        if !in_order {
            let twice = repeated(&self.ids).or_else(|| repeated(&corpus.ids));
            if let Some(id) = twice {
                let reason =
                    format!("the cell `{id}` is there twice, and the cells are in another order than the input's");
                return Err(Error::file(&self.source, reason));
            }
        }
        let by_id: HashMap<&str, usize> = self.ids.iter().zip(0..).map(|(id, row)| (id.as_str(), row)).collect();
        let mut values = Vec::with_capacity(corpus.len() * self.width);
        for (cell, (id, place)) in corpus.ids.iter().zip(&corpus.places).enumerate() {
            if place.is_err() {
                continue;
            }
            let row = if in_order { Some(cell) } else { by_id.get(id.as_str()).copied() };
            let row = row.ok_or_else(|| Error::file(&self.source, format!("has no row for the cell `{id}`")))?;
            let vector = self.values.get(row * self.width..(row + 1) * self.width).unwrap_or_default();
            if vector.iter().any(|value| !value.is_finite()) {
                return Err(Error::file(&self.source, format!("cell `{id}`: its vector holds what is no number")));
            }
            values.extend_from_slice(vector);
        }
        Ok(Tensor::f_from_slice(&values)?.f_view([corpus.len() as i64, self.width as i64])?)
    }
}

fn repeated(ids: &[String]) -> Option<&str> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().map(String::as_str).find(|id| !seen.insert(*id))
}

fn numbers(column: &dyn Array) -> Option<Vec<f32>> {
    if !column.data_type().is_numeric() {
        return None;
    }
    let column = cast(column, &DataType::Float64).ok()?;
    let column: &Float64Array = column.as_primitive::<Float64Type>();
    Some(column.iter().map(|value| value.map_or(f32::NAN, |value| value as f32)).collect())
}

fn texts(batch: &RecordBatch, name: &str) -> Result<Vec<String>, String> {
    let schema = batch.schema();
    let column = batch.column_by_name(name).ok_or_else(|| {
        let found: Vec<String> = schema.fields().iter().take(8).map(|field| format!("`{}`", field.name())).collect();
        format!("has no column `{name}`; found {}", found.join(", "))
    })?;
    let column = cast(column, &DataType::Utf8).map_err(|e| e.to_string())?;
    Ok(column.as_string::<i32>().iter().map(|value| value.unwrap_or_default().to_owned()).collect())
}

/// The first column that has no name, as pandas writes its index, is taken for the ids.
fn csv(path: &Path, delimiter: u8) -> Result<Vec<RecordBatch>> {
    let wrong = |reason: String| Error::file(path, reason);
    let content = fs_err::read(path)?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(content.as_slice());
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(|e| wrong(e.to_string()))?;
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (place, name) in header.iter().enumerate() {
        let cells = records.iter().map(|record| record.get(place).unwrap_or_default());
        if name == CELL_ID || (name.is_empty() && place == 0) {
            columns.push((CELL_ID.to_owned(), Arc::new(cells.map(Some).collect::<StringArray>())));
            continue;
        }
        let mut values = Vec::with_capacity(records.len());
        for (row, text) in cells.enumerate() {
            let value = text.trim().parse::<f64>();
            values
                .push(value.map_err(|_| wrong(format!("line {}: `{name}` is `{text}`, expected a number", row + 2)))?);
        }
        columns.push((name.to_owned(), Arc::new(Float64Array::from(values))));
    }
    Ok(vec![RecordBatch::try_from_iter(columns)?])
}
