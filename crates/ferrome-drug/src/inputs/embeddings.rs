use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Error, Result};

/// One vector for each protein, by its id, as `ferrome protein embed` writes them.
#[derive(Clone, Debug)]
pub struct Embeddings {
    path: PathBuf,
    width: usize,
    by_id: HashMap<String, Vec<f32>>,
}

impl Embeddings {
    /// Reads the columns `id` and `embedding` of a Parquet file; rows without an embedding are passed over.
    ///
    /// # Errors
    ///
    /// The file is no such table.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |error: &dyn std::error::Error| {
            let text = error.to_string();
            Error::file(path, format!("cannot be read: {}", text.lines().next().unwrap_or_default()))
        };
        let file = fs_err::File::open(path)?.into_parts().0;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
        let mut embeddings = Self { path: path.to_owned(), width: 0, by_id: HashMap::new() };
        for batch in reader.build().map_err(|error| wrong(&error))? {
            let batch = batch.map_err(|error| wrong(&error))?;
            let column = |name: &str| {
                batch.column_by_name(name).ok_or_else(|| {
                    Error::file(path, format!("no column `{name}`; expected a table of `ferrome protein embed`"))
                })
            };
            embeddings.add(column("id")?, column("embedding")?)?;
        }
        Ok(embeddings)
    }

    fn add(&mut self, ids: &ArrayRef, vectors: &ArrayRef) -> Result<()> {
        let DataType::FixedSizeList(_, width) = *vectors.data_type() else {
            let found = vectors.data_type();
            return Err(Error::file(
                &self.path,
                format!("column `embedding`: expected one vector a row, found {found}"),
            ));
        };
        let kind = DataType::FixedSizeList(Field::new("item", DataType::Float32, true).into(), width);
        let not = |_| Error::file(&self.path, "column `embedding`: expected vectors of numbers, and `id`: text");
        let (ids, vectors) = (cast(ids, &DataType::Utf8).map_err(not)?, cast(vectors, &kind).map_err(not)?);
        let (ids, vectors) = (ids.as_string::<i32>(), vectors.as_fixed_size_list());
        for row in (0..ids.len()).filter(|&row| ids.is_valid(row) && vectors.is_valid(row)) {
            let numbers = vectors.value(row).as_primitive::<Float32Type>().values().to_vec();
            self.by_id.insert(ids.value(row).to_owned(), numbers);
        }
        self.width = width as usize;
        Ok(())
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Numbers of a vector; 0 for a table without rows.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The vector of a protein.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&[f32]> {
        self.by_id.get(id).map(Vec::as_slice)
    }
}
