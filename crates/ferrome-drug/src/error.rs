use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;

/// Everything that can go wrong in `ferrome-drug`; one line each, naming the file and what was expected and found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The engine, a table or a weight file.
    #[error(transparent)]
    Core(#[from] ferrome_core::Error),
    /// A model's configuration and what it is given do not belong together.
    #[error("model: {0}")]
    Model(String),
    /// A table cannot be built; a defect of ferrome.
    #[error("cannot build the table: {0}")]
    Arrow(#[from] ArrowError),
    /// A molecule is refused.
    #[error(transparent)]
    Molecule(#[from] crate::molecule::Refusal),
    /// The folder for a new model holds one already.
    #[error("{}: holds a model already; pass --overwrite to replace it, or choose another -o", path.display())]
    ModelExists {
        /// The folder.
        path: PathBuf,
    },
    /// Someone stopped a training.
    #[error("interrupted: member {member} has done {epoch} epochs; run the same command again to go on")]
    Stopped {
        /// The member of the ensemble in hand, from 0.
        member: usize,
        /// Its epochs so far.
        epoch: u64,
    },
    /// Someone stopped something else that can go on.
    #[error("interrupted: {0}; run the same command again to go on")]
    Interrupted(&'static str),
    /// A file cannot be read, or holds something else than it should.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, what was expected and what was found.
        reason: String,
    },
}

impl Error {
    /// Trouble with the file or folder at `path`.
    pub fn file(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::File { path: path.into(), reason: reason.into() }
    }
}

#[cfg(feature = "torch")]
impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Core(error.into())
    }
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
