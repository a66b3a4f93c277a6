//! The tables that a run writes: Parquet, NumPy, Arrow IPC, CSV, or a folder of Parquet parts.

mod columns;
mod csv;
mod hugging_face;
mod ipc;
mod merge;
mod npy;
mod parquet;
pub(crate) mod part;
mod read;
#[cfg(feature = "torch")]
mod tensors;
mod whole;

use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

pub(crate) use columns::Columns;
pub(crate) use merge::{merge, merge_parts};
pub use read::Parts;
#[cfg(feature = "torch")]
pub use tensors::{lists, vector, vectors};
pub use whole::write_table;

/// Where a run writes to, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Output {
    path: PathBuf,
    format: Format,
}

/// The kinds of output, chosen by the suffix of its path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A folder of `part-00000.parquet` files: a path that ends in `/`, an existing folder, or a name without suffix.
    Dataset,
    /// One Parquet file, zstd: `.parquet`.
    Parquet,
    /// One NumPy array with `OUT.ids.txt` beside it: `.npy`.
    Npy,
    /// One Arrow IPC file: `.arrow` or `.feather`.
    Arrow,
    /// Comma-separated values: `.csv`.
    Csv,
    /// A folder that `datasets.load_from_disk` opens: see [`Output::hugging_face`].
    HuggingFace,
}

impl Output {
    /// Chooses the format by the path.
    ///
    /// ```
    /// use ferrome_core::table::{Format, Output};
    ///
    /// assert_eq!(Output::parse("embeddings.parquet")?.format(), Format::Parquet);
    /// assert_eq!(Output::parse("embeddings/")?.format(), Format::Dataset);
    /// assert!(Output::parse("embeddings.xlsx").is_err());
    /// # Ok::<(), ferrome_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::OutputSuffix`] when the suffix is unknown.
    pub fn parse(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let format = Format::of(&path)?;
        Ok(Self { path, format })
    }

    /// A folder that `datasets.load_from_disk` opens: `data-00000-of-0000N.arrow`, `dataset_info.json`, `state.json`.
    #[must_use]
    pub fn hugging_face(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), format: Format::HuggingFace }
    }

    /// The path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The files that the run writes beside its parts, in the order in which they get their names.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        match self.format {
            Format::Dataset => Vec::new(),
            Format::Npy => {
                let mut ids = self.path.as_os_str().to_owned();
                ids.push(".ids.txt");
                vec![ids.into(), self.path.clone()]
            }
            Format::HuggingFace => hugging_face::FILES.map(|name| self.path.join(name)).to_vec(),
            _ => vec![self.path.clone()],
        }
    }
}

impl Format {
    /// Whether the output is a folder, which holds the run's work folder.
    pub(crate) fn is_folder(self) -> bool {
        matches!(self, Self::Dataset | Self::HuggingFace)
    }

    /// The suffix of a part.
    pub(crate) fn part_suffix(self) -> &'static str {
        if self == Self::HuggingFace { "arrow" } else { "parquet" }
    }

    fn of(path: &Path) -> Result<Self> {
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir() {
            return Ok(Self::Dataset);
        }
        let Some(suffix) = path.extension() else { return Ok(Self::Dataset) };
        match suffix.to_str() {
            Some("parquet") => Ok(Self::Parquet),
            Some("npy") => Ok(Self::Npy),
            Some("arrow" | "feather") => Ok(Self::Arrow),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Error::OutputSuffix { path: path.to_owned(), suffix: suffix.to_string_lossy().into_owned() }),
        }
    }
}

/// What went wrong with the file at `path`, on one line; a full disk is told apart.
pub(crate) fn failed(path: &Path, error: impl std::error::Error + 'static) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        let kind = inner.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return Error::DiskFull { path: path.to_owned() };
        }
        cause = inner.source();
    }
    let text = error.to_string();
    Error::Table { path: path.to_owned(), reason: text.lines().next().unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn format_follows_the_suffix() {
        let format = |path: &str| Output::parse(path).unwrap().format();
        assert_eq!(format("a.b/out"), Format::Dataset);
        assert_eq!(format("out.d/"), Format::Dataset);
        assert_eq!(format("/tmp"), Format::Dataset);
        assert_eq!(format("out.npy"), Format::Npy);
        assert_eq!(format("out.arrow"), Format::Arrow);
        assert_eq!(format("out.feather"), Format::Arrow);
        assert_eq!(format("out.csv"), Format::Csv);
    }

    #[test]
    fn unknown_suffix_lists_those_known() {
        assert_eq!(
            Output::parse("out.h5ad").unwrap_err().to_string(),
            "out.h5ad: unknown suffix `.h5ad`; expected .parquet, .npy, .arrow, .feather, .csv, or a folder \
             (a name that ends in `/`)"
        );
    }

    #[test]
    fn full_disk_is_told_apart_wherever_it_is_wrapped() {
        let error = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
        let error = ::parquet::errors::ParquetError::External(Box::new(error));
        assert_eq!(
            failed(Path::new("out.parquet"), error).to_string(),
            "out.parquet: no space left on device; what is done is kept: make room and run the same command again"
        );
    }

    #[test]
    fn other_failures_keep_their_first_line() {
        let error = arrow::error::ArrowError::ParseError("one\ntwo".to_owned());
        assert_eq!(failed(Path::new("out.arrow"), error).to_string(), "out.arrow: Parser error: one");
    }
}
