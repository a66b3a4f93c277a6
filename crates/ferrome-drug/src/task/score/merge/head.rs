use std::cmp::Ordering;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::super::shape::{ROW, TARGET, descending};
use crate::{Error, Result};

/// A file, and the row of it that comes next.
pub(super) struct Head {
    pub(super) reader: ParquetRecordBatchReader,
    pub(super) path: PathBuf,
    pub(super) batch: RecordBatch,
    pub(super) at: usize,
    /// The place of its batch among those of a block, once a row of it was given.
    pub(super) listed: Option<(u64, usize)>,
    pub(super) key: Key,
}

pub(super) struct Key {
    pub(super) target: String,
    pub(super) score: Option<f32>,
    pub(super) row: u64,
}

impl Head {
    /// Itself with the key of its row; none where the file ends.
    pub(super) fn advanced(mut self) -> Result<Option<Self>> {
        while self.at >= self.batch.num_rows() {
            let Some(batch) = self.reader.next() else { return Ok(None) };
            let path = &self.path;
            self.batch = batch.map_err(|error| Error::file(path, format!("cannot be read: {error}")))?;
            (self.at, self.listed) = (0, None);
        }
        let lost = |name: &str| Error::file(&self.path, format!("no column `{name}` of the expected kind"));
        let column = |name: &str| self.batch.column_by_name(name).ok_or_else(|| lost(name));
        let targets = column(TARGET)?.as_string_opt::<i32>().ok_or_else(|| lost(TARGET))?;
        let scores = column("score")?.as_primitive_opt::<Float32Type>().ok_or_else(|| lost("score"))?;
        let rows = column(ROW)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lost(ROW))?;
        self.key = Key {
            target: targets.value(self.at).to_owned(),
            score: scores.is_valid(self.at).then(|| scores.value(self.at)),
            row: rows.value(self.at),
        };
        Ok(Some(self))
    }
}

// The heap gives the largest: what comes first.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.key, &other.key);
        let order = a.target.cmp(&b.target).then_with(|| descending(a.score, b.score)).then(a.row.cmp(&b.row));
        order.reverse()
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
