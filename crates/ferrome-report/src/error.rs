use std::path::{Path, PathBuf};

/// Everything that can go wrong in `ferrome-report`; one line each, naming the file and what was expected and found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The page cannot be written, or libtorch failed.
    #[error(transparent)]
    Core(#[from] ferrome_core::Error),
    /// Neighbours or the map cannot be computed, or an h5ad file cannot be read.
    #[error(transparent)]
    Cell(#[from] ferrome_cell::Error),
    /// A table cannot be read, or holds something else than it should.
    #[error("{}: {reason}", .path.display())]
    Table {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, what was expected and what was found.
        reason: String,
    },
    /// The table has no such column.
    #[error("{}: has no column `{column}`; {}", .path.display(), nearest(.near))]
    NoColumn {
        /// The file or folder.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The names that are nearest to it.
        near: Vec<String>,
    },
    /// There is nothing to make a map or a list of scores of.
    #[error(
        "{}: has no column of vectors, no columns of numbers `x` and `y` or `score`; name them by --embedding, --x and --y, or --score; found {}",
        .path.display(), .found.join(", ")
    )]
    NothingToShow {
        /// The file or folder.
        path: PathBuf,
        /// Its columns with their types.
        found: Vec<String>,
    },
}

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn table(path: &Path, reason: impl Into<String>) -> Self {
        Self::Table { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn no_column<'a>(path: &Path, column: &str, names: impl Iterator<Item = &'a str>) -> Self {
        let near = ferrome_cell::nearest::nearest(column, names, 5);
        Self::NoColumn { path: path.to_owned(), column: column.to_owned(), near }
    }
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Core(error.into())
    }
}

fn nearest(names: &[String]) -> String {
    if names.is_empty() {
        return "it has no columns".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("nearest: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_and_what_is_there() {
        let path = Path::new("a.parquet");
        let error = Error::no_column(path, "celltype", ["batch", "cell_type"].into_iter());
        assert_eq!(error.to_string(), "a.parquet: has no column `celltype`; nearest: `cell_type`, `batch`");
        let error = Error::no_column(path, "x", std::iter::empty());
        assert_eq!(error.to_string(), "a.parquet: has no column `x`; it has no columns");
        assert_eq!(Error::table(path, "holds no rows").to_string(), "a.parquet: holds no rows");
        let error = Error::NothingToShow { path: path.to_owned(), found: vec!["id (Utf8)".to_owned()] };
        assert_eq!(
            error.to_string(),
            "a.parquet: has no column of vectors, no columns of numbers `x` and `y` or `score`; name them by \
             --embedding, --x and --y, or --score; found id (Utf8)"
        );
    }
}
