use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use ferrome_core::fingerprint::{Fingerprint, hex};

use super::pairs::{Pairs, TargetRow, targets_of};
use super::table::{Rows, Table};
use super::{Columns, Library, parquet};
use crate::{Error, Result};

/// A table that the calling program has in memory. It is read as a Parquet file with the same columns is.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use ferrome_drug::read::{Columns, Memory};
///
/// let smiles: ArrayRef = Arc::new(StringArray::from(vec![Some("CCO"), None]));
/// let batch = RecordBatch::try_from_iter([("SMILES", smiles)])?;
/// let table = Memory::new("molecules", batch.schema(), &[batch])?;
/// let rows: Vec<_> = table.library(&Columns::default())?.collect::<Result<_, _>>()?;
/// assert_eq!((rows[0].id.as_str(), rows[0].text()), ("1", "CCO"));
/// assert_eq!(rows[1].molecule().err().map(|e| e.to_string()).as_deref(), Some("the cell of the SMILES is null"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    name: PathBuf,
    rows: RecordBatch,
}

impl Memory {
    /// A table that messages call `name`.
    ///
    /// # Errors
    ///
    /// A batch has other columns than `schema`.
    pub fn new(name: impl Into<PathBuf>, schema: SchemaRef, batches: &[RecordBatch]) -> Result<Self> {
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        Ok(Self { name: name.into(), rows: concat_batches(&schema, batches)? })
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The molecules in it.
    ///
    /// # Errors
    ///
    /// A column is missing, or no text.
    pub fn library(&self, columns: &Columns) -> Result<Library> {
        Ok(Library::of(Box::new(parquet::Rows::memory(&self.name, &self.rows, columns)?)))
    }

    /// The pairs in it, in blocks of `size` rows.
    ///
    /// # Errors
    ///
    /// A column is missing.
    pub fn pairs(&self, columns: &Columns, size: usize) -> Result<Pairs> {
        Pairs::of(&self.name, self.table(size), columns)
    }

    /// The targets in it; as [`super::targets`].
    ///
    /// # Errors
    ///
    /// A column is missing, or a row has no sequence.
    pub fn targets(&self) -> Result<Vec<TargetRow>> {
        targets_of(&self.name, self.table(4096))
    }

    /// Size and hash of what is in it.
    ///
    /// # Errors
    ///
    /// A column has no text to tell it by.
    pub fn describe(&self) -> Result<String> {
        let mut hash = Fingerprint::new();
        for (field, column) in self.rows.schema().fields().iter().zip(self.rows.columns()) {
            hash.push(field.name().as_bytes());
            hash.push(field.data_type().to_string().as_bytes());
            let wrong = |found: &DataType| Error::file(&self.name, format!("column `{}`: {found}", field.name()));
            let text = cast(column, &DataType::Utf8).map_err(|_| wrong(column.data_type()))?;
            for cell in arrow::array::AsArray::as_string::<i32>(&text).iter() {
                hash.push(cell.unwrap_or("\0").as_bytes());
            }
        }
        Ok(format!("{} rows in memory, xxh3 {}", self.rows.num_rows(), hex(hash.finish())))
    }

    fn table(&self, size: usize) -> Table {
        let (rows, size) = (self.rows.clone(), size.max(1));
        let blocks = (0..rows.num_rows()).step_by(size).map(move |first| {
            let batch = rows.slice(first, size.min(rows.num_rows() - first));
            Ok(Rows { batch, defects: Vec::new() })
        });
        Table { schema: self.rows.schema(), blocks: Box::new(blocks.collect::<Vec<_>>().into_iter()) }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, LargeStringArray};

    use super::*;

    fn memory(columns: Vec<(&str, ArrayRef)>) -> Memory {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        Memory::new("table", batch.schema(), &[batch.slice(0, 1), batch.slice(1, 2)]).unwrap()
    }

    fn text(cells: &[Option<&str>]) -> ArrayRef {
        Arc::new(LargeStringArray::from(cells.to_vec()))
    }

    #[test]
    fn pairs_come_in_blocks_with_their_other_columns() {
        let y: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let smiles = text(&[Some("C"), None, Some("N")]);
        let table = memory(vec![("smiles", smiles), ("sequence", text(&[Some("MK"); 3])), ("y", y)]);
        let blocks: Vec<_> = table.pairs(&Columns::default(), 2).unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(blocks.iter().map(|block| block.entries.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(blocks[1].entries[0].id, "3");
        assert_eq!(blocks[0].others.schema().field(0).name(), "y");
    }

    #[test]
    fn what_is_missing_is_told_with_the_name_of_the_table() {
        let table = memory(vec![("id", text(&[Some("a"); 3])), ("sequence", text(&[Some("M"), None, Some("K")]))]);
        let told = table.library(&Columns::default()).err().unwrap().to_string();
        assert!(told.starts_with("table: no column `smiles`; columns, nearest first: "), "{told}");
        let told = table.targets().unwrap_err().to_string();
        assert_eq!(told, "table: row 2: the cell of the sequence is null");
    }

    #[test]
    fn description_tells_other_rows_apart() {
        let one = |smiles| memory(vec![("smiles", text(&[Some(smiles), None, None]))]).describe().unwrap();
        assert_eq!(one("C"), one("C"));
        assert_ne!(one("C"), one("N"));
    }
}
