use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;

use super::{About, BATCH, Batches, Source, unreadable};
use crate::{Error, Result};

/// CSV or TSV with a line of names. What a column holds is seen in all of its rows.
pub(super) struct Delimited {
    path: PathBuf,
    format: Format,
    about: About,
}

impl Delimited {
    pub(super) fn open(path: &Path, delimiter: u8) -> Result<Self> {
        let format = Format::default().with_header(true).with_delimiter(delimiter);
        let file = std::io::BufReader::new(fs_err::File::open(path)?);
        let (schema, rows) = format.infer_schema(file, None).map_err(|error| unreadable(path, error))?;
        if schema.fields().is_empty() {
            return Err(Error::table(path, "is empty: expected a first line with the names of columns"));
        }
        let kind = if delimiter == b',' { "CSV" } else { "TSV" };
        let about = About { kind, schema: Arc::new(schema), rows: rows as u64, metadata: Vec::new() };
        Ok(Self { path: path.to_owned(), format, about })
    }
}

impl Source for Delimited {
    fn about(&self) -> &About {
        &self.about
    }

    fn batches(&self, columns: &[usize]) -> Result<Batches<'_>> {
        let file = fs_err::File::open(&self.path)?;
        let builder =
            ReaderBuilder::new(self.about.schema.clone()).with_format(self.format.clone()).with_batch_size(BATCH);
        let reader = builder.with_projection(columns.to_vec()).build(file);
        let reader = reader.map_err(|error| unreadable(&self.path, error))?;
        Ok(Box::new(reader.map(|batch| batch.map_err(|error| unreadable(&self.path, error)))))
    }
}
