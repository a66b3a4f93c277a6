use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::{columns, input, table::Table};
use crate::{Error, Result};

/// Rows that are read at a time.
const BLOCK: usize = 16_384;

/// A table that is small enough for memory, every cell as text; a cell without a value is empty.
#[derive(Clone, Debug)]
pub struct Frame {
    path: PathBuf,
    names: Vec<String>,
    columns: Vec<Vec<String>>,
}

impl Frame {
    /// Reads a CSV or TSV file (plain or gzip) or a Parquet file.
    ///
    /// # Errors
    ///
    /// The file is missing, of an unknown kind, or a row has another number of fields than the header.
    ///
    /// ```
    /// use ferrome_drug::read::Frame;
    /// let file = std::env::temp_dir().join("ferrome-frame.tsv");
    /// std::fs::write(&file, "drug\ty\n7\t5.5\n8\t\n")?;
    /// let frame = Frame::open(&file)?;
    /// assert_eq!(frame.column("y", "data.value")?, ["5.5", ""]);
    /// # std::fs::remove_file(&file)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self> {
        let table = Table::open(path, BLOCK)?;
        // A column of lists has no text; it is no column here.
        let plain = |kind: &DataType| !kind.is_nested() && !matches!(kind, DataType::Binary | DataType::LargeBinary);
        let fields = table.schema.fields();
        let kept: Vec<usize> = (0..fields.len()).filter(|&i| plain(fields[i].data_type())).collect();
        let names: Vec<String> = kept.iter().map(|&i| fields[i].name().clone()).collect();
        let mut frame = Self { path: path.to_owned(), columns: vec![Vec::new(); names.len()], names };
        for rows in table.blocks {
            let rows = rows?;
            if let Some((row, why)) = rows.defects.first() {
                return Err(Error::file(path, format!("row {}: {why}", frame.rows() + row + 1)));
            }
            for (column, &place) in frame.columns.iter_mut().zip(&kept) {
                cells(rows.batch.column(place), column).map_err(|error| input::unreadable(path, &error))?;
            }
        }
        Ok(frame)
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|found| found == name)
    }

    /// The cells of a column.
    ///
    /// # Errors
    ///
    /// There is none; the nearest names are listed, and `key` is where it is chosen.
    pub fn column(&self, name: &str, key: &str) -> Result<&[String]> {
        let place = self.names.iter().position(|found| found == name);
        let column = place.and_then(|place| self.columns.get(place));
        column.map(Vec::as_slice).ok_or_else(|| columns::missing(&self.path, &self.names, name, Some(key)))
    }
}

fn cells(values: &ArrayRef, column: &mut Vec<String>) -> Result<(), arrow::error::ArrowError> {
    let text = cast(values, &DataType::Utf8)?;
    let text = text.as_string::<i32>();
    let cell = |row: usize| if text.is_valid(row) { text.value(row).to_owned() } else { String::new() };
    column.extend((0..text.len()).map(cell));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, content: &str) -> Result<Frame, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs_err::write(&path, content).unwrap();
        Frame::open(&path).map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn quotes_and_empty_cells() {
        let frame = open("a.csv", "\u{feff}SMILES,Protein,Y\n\"C,C\",MK,\nO, MA ,1\n").unwrap();
        assert_eq!(frame.rows(), 2);
        assert_eq!(frame.column("SMILES", "").unwrap(), ["C,C", "O"]);
        assert_eq!(frame.column("Protein", "").unwrap(), ["MK", "MA"]);
        assert_eq!(frame.column("Y", "").unwrap(), ["", "1"]);
    }

    #[test]
    fn bad_tables_are_refused() {
        assert_eq!(open("a.csv", "a,b\n1,2\n3\n").unwrap_err(), "a.csv: row 2: expected 2 fields, found 1");
        assert_eq!(open("a.xlsx", "").unwrap_err(), "a.xlsx: unknown kind of table; expected .csv, .tsv or .parquet");
        let message = open("a.tsv", "drug\ttarget\ty\n").unwrap().column("protein", "`data.protein`").unwrap_err();
        assert!(
            message.to_string().ends_with(
                "a.tsv: no column `protein`; columns, nearest first: `drug`, `target`, `y`; choose with `data.protein`"
            ),
            "{message}"
        );
    }
}
