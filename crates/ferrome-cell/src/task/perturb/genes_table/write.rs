use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::csv::Writer;
use ferrome_core::journal::write_whole;
use parquet::arrow::ArrowWriter;

use super::{GenesTable, Shift};
use crate::{Error, Result};

impl GenesTable {
    /// Writes the table, whole or not at all: CSV, or Parquet where the suffix says so.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let table = self.table()?;
        let mut bytes = Vec::new();
        if path.extension().is_some_and(|suffix| suffix == "parquet") {
            let failed = |error: parquet::errors::ParquetError| Error::file(path, error.to_string());
            let mut writer = ArrowWriter::try_new(&mut bytes, table.schema(), None).map_err(failed)?;
            writer.write(&table).map_err(failed)?;
            writer.close().map_err(failed)?;
        } else {
            Writer::new(&mut bytes).write(&table)?;
        }
        Ok(write_whole(path, bytes)?)
    }

    fn table(&self) -> Result<RecordBatch> {
        let genes: StringArray = self.rows.iter().map(|row| Some(row.gene.as_str())).collect();
        let symbols: StringArray = self.rows.iter().map(|row| row.symbol.as_deref()).collect();
        let cells: Int64Array = self.rows.iter().map(|row| i64::try_from(row.cells).ok()).collect();
        let cosines: Float64Array = self.rows.iter().map(|row| Some(row.cosine)).collect();
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("gene".into(), Arc::new(genes)),
            ("symbol".into(), Arc::new(symbols)),
            ("cells".into(), Arc::new(cells)),
            ("cosine".into(), Arc::new(cosines)),
        ];
        for (place, name) in self.columns.iter().enumerate() {
            let of = |part: fn(&Shift) -> Option<f64>| -> ArrayRef {
                let values = self.rows.iter().map(|row| row.shifts.get(place).and_then(part));
                Arc::new(values.collect::<Float64Array>())
            };
            let ending = name.strip_prefix("shift").unwrap_or_default();
            columns.push((name.clone(), of(|shift| Some(shift.mean))));
            columns.push((format!("z{ending}"), of(|shift| shift.z)));
            columns.push((format!("p{ending}"), of(|shift| shift.p)));
            columns.push((format!("fdr{ending}"), of(|shift| shift.fdr)));
        }
        let columns = columns.iter().map(|(name, column)| (name.as_str(), Arc::clone(column), true));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}
