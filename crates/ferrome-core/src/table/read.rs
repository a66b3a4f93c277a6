//! Reading back what a run wrote into a folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::{failed, part};
use crate::journal::METADATA_PREFIX;
use crate::{Error, Result};

/// The parts of a finished run into a folder, as one table.
#[derive(Debug)]
pub struct Parts {
    files: Vec<PathBuf>,
    schema: SchemaRef,
    rows: usize,
}

impl Parts {
    /// Finds the parts in `folder`.
    ///
    /// # Errors
    ///
    /// There is none, or one cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let entries = fs_err::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        let mut files: Vec<PathBuf> = entries.iter().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|suffix| suffix == "parquet"));
        files.sort_unstable();
        let mut rows = 0;
        let mut schema = None;
        for file in &files {
            let part = part::open(file).map_err(|error| failed(file, error))?;
            rows += usize::try_from(part.metadata().file_metadata().num_rows()).unwrap_or(0);
            schema.get_or_insert_with(|| described(part.schema()));
        }
        let schema = schema.ok_or_else(|| Error::JournalUnreadable {
            path: folder.to_owned(),
            reason: "holds no parts of a run".to_owned(),
        })?;
        Ok(Self { files, schema, rows })
    }

    /// The columns; the metadata say what the table was made from.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All rows in order, in pieces.
    ///
    /// # Errors
    ///
    /// An item is an error where a part cannot be read.
    pub fn batches(&self) -> impl Iterator<Item = Result<RecordBatch>> + '_ {
        self.files.iter().flat_map(|file| {
            let (batches, error) = match part::pieces(file, &self.schema) {
                Ok(batches) => (Some(batches), None),
                Err(error) => (None, Some(Err(error))),
            };
            batches.into_iter().flatten().chain(error)
        })
    }
}

// Without what only the journal needs.
fn described(schema: &Schema) -> SchemaRef {
    let kept = |(key, _): &(&String, &String)| key.starts_with(METADATA_PREFIX) && *key != part::RECORD;
    let metadata: HashMap<_, _> = schema.metadata().iter().filter(kept).map(|(k, v)| (k.clone(), v.clone())).collect();
    Arc::new(Schema::new(schema.fields().clone()).with_metadata(metadata))
}
