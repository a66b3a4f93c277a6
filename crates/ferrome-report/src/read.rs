//! Reading tables: one door for every kind of file, and as many passes over it as are needed.

mod arrow_file;
mod delimited;
mod h5ad;
mod parquet;

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::{Error, Result};

/// Rows of a batch, at most.
pub(crate) const BATCH: usize = 4096;

/// Batches of rows.
pub(crate) type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

/// What is known of a table once it is open.
pub(crate) struct About {
    /// What kind of file it is, for people.
    pub(crate) kind: &'static str,
    /// All columns. Those of h5ad files are the columns of `obs` and the matrices of `obsm`.
    pub(crate) schema: SchemaRef,
    /// The number of rows.
    pub(crate) rows: u64,
    /// What the file says of itself.
    pub(crate) metadata: Vec<(String, String)>,
}

/// A table that can be read again from its start.
pub(crate) trait Source {
    /// What is known of it.
    fn about(&self) -> &About;
    /// The columns at these places (ascending), in batches of [`BATCH`] rows at most.
    fn batches(&self, columns: &[usize]) -> Result<Batches<'_>>;
}

/// Opens a table by the suffix of its name; a folder is one of Parquet parts.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>> {
    if path.is_dir() {
        return Ok(Box::new(parquet::Parquet::open_folder(path)?));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    match suffix {
        "parquet" | "pq" => Ok(Box::new(parquet::Parquet::open(path)?)),
        "arrow" | "feather" => Ok(Box::new(arrow_file::Arrow::open(path)?)),
        "csv" => Ok(Box::new(delimited::Delimited::open(path, b',')?)),
        "tsv" | "tab" => Ok(Box::new(delimited::Delimited::open(path, b'\t')?)),
        "h5ad" => Ok(Box::new(h5ad::H5ad::open(path)?)),
        // An error about a file that is not there says so.
        _ => match fs_err::metadata(path) {
            Ok(_) => {
                let expected = "expected .parquet, .csv, .tsv, .arrow, .feather, .h5ad, or a folder of Parquet parts";
                Err(Error::table(path, format!("unknown kind of table; {expected}")))
            }
            Err(error) => Err(error.into()),
        },
    }
}

/// The first line of what a library said.
pub(crate) fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    let text = error.to_string();
    Error::table(path, format!("cannot be read: {}", text.lines().next().unwrap_or_default()))
}
