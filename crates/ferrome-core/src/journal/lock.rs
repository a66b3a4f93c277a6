//! Keeping a second run out of an output.

use std::fs::TryLockError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::{Error, Result};

/// A locked file. The system lets go of it when the process ends, in whatever way.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Makes the file `path` and locks it, for a run that writes `output`.
    ///
    /// # Errors
    ///
    /// [`Error::OutputLocked`] when another process holds it; the file cannot be made.
    pub fn take(path: PathBuf, output: &Path) -> Result<Self> {
        let file = File::options().write(true).create(true).truncate(false).open(&path)?;
        match file.file().try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::OutputLocked { path: output.to_owned(), lock: path }),
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => Err(error.into()),
            _ => Ok(Self { path, _file: file }),
        }
    }

    /// Lets go, and removes the file.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub fn release(self) -> Result<()> {
        Ok(fs_err::remove_file(&self.path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_is_refused_until_the_first_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let output = Path::new("out.parquet");
        let first = Lock::take(path.clone(), output).unwrap();
        assert_eq!(
            Lock::take(path.clone(), output).unwrap_err().to_string(),
            format!(
                "out.parquet: another run of ferrome is writing this output (it holds the lock {})",
                path.display()
            )
        );
        first.release().unwrap();
        assert!(!path.exists());
        Lock::take(path, output).unwrap();
    }
}
