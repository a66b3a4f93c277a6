use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::Places;
use super::{Columns, Entry, Source, input};
use crate::{Error, Result};

/// Rows that are read at a time.
const BLOCK: usize = 4096;

/// The rows of a Parquet file, or of a table in memory.
pub(super) struct Rows {
    batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
    path: PathBuf,
    smiles: String,
    id: Option<String>,
    batch: std::vec::IntoIter<Entry>,
    rows: u64,
}

impl Rows {
    pub(super) fn new(path: &Path, columns: &Columns) -> Result<Self> {
        let file = fs_err::File::open(path)?.into_parts().0;
        let wrong = |error: &dyn std::error::Error| input::unreadable(path, error);
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let places = columns.find(&names, path)?;
        let mask =
            ProjectionMask::roots(builder.parquet_schema(), [Some(places.smiles), places.id].into_iter().flatten());
        let reader = builder.with_projection(mask).with_batch_size(BLOCK).build().map_err(|error| wrong(&error))?;
        let file = path.to_owned();
        let batches = reader.map(move |batch| batch.map_err(|error| input::unreadable(&file, &error)));
        Ok(Self::of(path, &names, places, Box::new(batches)))
    }

    /// The rows of a table that is in memory.
    pub(super) fn memory(path: &Path, rows: &RecordBatch, columns: &Columns) -> Result<Self> {
        let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        let places = columns.find(&names, path)?;
        let blocks: Vec<_> = (0..rows.num_rows())
            .step_by(BLOCK)
            .map(|first| Ok(rows.slice(first, BLOCK.min(rows.num_rows() - first))))
            .collect();
        Ok(Self::of(path, &names, places, Box::new(blocks.into_iter())))
    }

    fn of(
        path: &Path,
        names: &[String],
        places: Places,
        batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
    ) -> Self {
        let name = |place: usize| names.get(place).cloned();
        Self {
            batches,
            path: path.to_owned(),
            smiles: name(places.smiles).unwrap_or_default(),
            id: places.id.and_then(name),
            batch: Vec::new().into_iter(),
            rows: 0,
        }
    }

    fn entries(&mut self, batch: &RecordBatch) -> Result<Vec<Entry>> {
        let smiles = text(batch, &self.smiles, &self.path)?;
        let ids = self.id.as_ref().map(|name| text(batch, name, &self.path)).transpose()?;
        let value = |column: &StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
        let entries = (0..batch.num_rows()).map(|row| {
            self.rows += 1;
            let id = ids.as_ref().and_then(|ids| value(ids, row)).unwrap_or_else(|| self.rows.to_string());
            let missing = || Source::Missing("the cell of the SMILES is null".to_owned());
            Entry { id, source: value(&smiles, row).map_or_else(missing, Source::Smiles) }
        });
        Ok(entries.collect())
    }
}

impl Iterator for Rows {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.batch.next() {
                return Some(Ok(entry));
            }
            match self.batches.next()?.and_then(|batch| self.entries(&batch)) {
                Ok(entries) => self.batch = entries.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A column as text: text of any kind, or numbers.
pub(super) fn text(batch: &RecordBatch, name: &str, path: &Path) -> Result<StringArray> {
    let wrong = |found: &str| Error::file(path, format!("column `{name}`: expected text, found {found}"));
    let column = batch.column_by_name(name).ok_or_else(|| wrong("no such column"))?;
    let kind = column.data_type();
    if kind.is_nested() || matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::Boolean) {
        return Err(wrong(&kind.to_string()));
    }
    let column = cast(column, &DataType::Utf8).map_err(|_| wrong(&kind.to_string()))?;
    Ok(column.as_string::<i32>().clone())
}
