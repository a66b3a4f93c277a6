use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Columns, Entry, delimited, input, parquet, sdf, smi};
use crate::{Error, Result};

/// The rows of a library, in order.
pub struct Library {
    rows: Box<dyn Iterator<Item = Result<Entry>> + Send>,
    failed: bool,
}

/// Opens a library; `-` is standard input, in the form of `.smi`.
///
/// # Errors
///
/// The file is missing, of an unknown kind, or lacks a column.
pub fn open(path: &Path, columns: &Columns) -> Result<Library> {
    let rows: Box<dyn Iterator<Item = Result<Entry>> + Send> = match kind(path)? {
        Kind::Smi => Box::new(smi::Rows::new(input::open(path)?, path)),
        Kind::Delimited => Box::new(delimited::Rows::new(input::open(path)?, path, columns)?),
        Kind::Parquet => Box::new(parquet::Rows::new(path, columns)?),
        Kind::Sdf => Box::new(sdf::Rows::new(input::open(path)?, path, columns.id_field.as_deref())),
    };
    Ok(Library::of(rows))
}

impl Library {
    pub(super) fn of(rows: Box<dyn Iterator<Item = Result<Entry>> + Send>) -> Self {
        Self { rows, failed: false }
    }

    /// The rows in blocks of `size`, the last one shorter.
    pub fn blocks(mut self, size: usize) -> impl Iterator<Item = Result<Vec<Entry>>> + Send {
        std::iter::from_fn(move || {
            let block: Result<Vec<Entry>> = self.by_ref().take(size).collect();
            match block {
                Ok(block) if block.is_empty() => None,
                block => Some(block),
            }
        })
    }
}

impl Iterator for Library {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.rows.next();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

enum Kind {
    Smi,
    Delimited,
    Parquet,
    Sdf,
}

fn kind(path: &Path) -> Result<Kind> {
    if path == Path::new("-") {
        return Ok(Kind::Smi);
    }
    let plain: PathBuf = match path.extension().and_then(OsStr::to_str) {
        Some(gzip) if gzip.eq_ignore_ascii_case("gz") => path.with_extension(""),
        _ => path.to_owned(),
    };
    let suffix = plain.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    match suffix.as_str() {
        "smi" | "smiles" | "ism" | "can" => Ok(Kind::Smi),
        "csv" | "tsv" | "tab" => Ok(Kind::Delimited),
        "parquet" | "pq" => Ok(Kind::Parquet),
        "sdf" | "sd" | "mol" => Ok(Kind::Sdf),
        _ => Err(Error::file(
            path,
            format!("unknown suffix `.{suffix}`; expected .smi, .csv, .tsv, .parquet or .sdf (.gz behind it for gzip)"),
        )),
    }
}
