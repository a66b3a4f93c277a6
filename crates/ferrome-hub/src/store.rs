//! The cache on disk: names of files that are there, of those that are not yet, and links.

use std::{
    fs::TryLockError,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use ferrome_core::weights::{CachedRepository, is_commit};
use fs_err::File;

use crate::{Result, retry::Patience};

/// A repository in the cache, to write to.
#[derive(Debug)]
pub(crate) struct Store {
    repository: CachedRepository,
    locks: PathBuf,
}

/// Where a file is written until it is whole. huggingface_hub's own unfinished files have names of one process, and go with it.
const INCOMPLETE: &str = "ferrome.incomplete";

impl Store {
    pub(crate) fn new(cache: &Path, name: &str) -> Self {
        let repository = CachedRepository::new(cache, name);
        let folder = repository.path().file_name().unwrap_or_default();
        let locks = cache.join(".locks").join(folder);
        Self { repository, locks }
    }

    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.repository.path().join("blobs").join(etag)
    }

    pub(crate) fn incomplete(&self, etag: &str) -> PathBuf {
        self.repository.path().join("blobs").join(format!("{etag}.{INCOMPLETE}"))
    }

    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.repository.path().join("snapshots").join(commit)
    }

    /// Waits for the file's lock, which is huggingface_hub's own: one process downloads, the others find it done.
    pub(crate) fn lock(&self, etag: &str, patience: &Patience<'_>) -> Result<File> {
        fs_err::create_dir_all(&self.locks)?;
        fs_err::create_dir_all(self.repository.path().join("blobs"))?;
        let lock = File::create(self.locks.join(format!("{etag}.lock")))?;
        let mut told = false;
        loop {
            match lock.file().try_lock() {
                // Some network file systems have no locks: two processes then write the same bytes to the same places.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(lock),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        patience.progress.say("another process downloads this file: waiting for it");
                        told = true;
                    }
                    patience.wait(Duration::from_millis(100))?;
                }
            }
        }
    }

    /// Gives a file, whose content is there, its name in the snapshot of a commit.
    pub(crate) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<()> {
        let link = self.snapshot(commit).join(file);
        let up = "../".repeat(file.matches('/').count() + 2);
        let target = PathBuf::from(format!("{up}blobs/{etag}"));
        if fs_err::read_link(&link).is_ok_and(|there| there == target) {
            return Ok(());
        }
        if let Some(folder) = link.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let new = link.with_file_name(format!(".{}.{}", etag, std::process::id()));
        let _ = std::fs::remove_file(&new);
        symlink(target, &new)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", new.display())))?;
        Ok(fs_err::rename(new, link)?)
    }

    /// Notes which commit a branch is at.
    pub(crate) fn note(&self, revision: &str, commit: &str) -> Result<()> {
        if is_commit(revision) {
            return Ok(());
        }
        let note = self.repository.path().join("refs").join(revision);
        if fs_err::read_to_string(&note).is_ok_and(|there| there == commit) {
            return Ok(());
        }
        if let Some(folder) = note.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let new = note.with_file_name(format!(".{commit}.{}", std::process::id()));
        fs_err::write(&new, commit)?;
        Ok(fs_err::rename(new, note)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_any_depth_and_replace_what_was_there() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path(), "a/b");
        fs_err::create_dir_all(store.blob("x").parent().unwrap()).unwrap();
        fs_err::write(store.blob("x"), "one").unwrap();
        fs_err::write(store.blob("y"), "two").unwrap();
        for etag in ["x", "y", "y"] {
            store.link("abc", "config.json", etag).unwrap();
            store.link("abc", "deep/er/config.json", etag).unwrap();
        }
        let read = |name: &str| fs_err::read_to_string(store.snapshot("abc").join(name)).unwrap();
        assert_eq!((read("config.json"), read("deep/er/config.json")), ("two".into(), "two".into()));
        assert_eq!(fs_err::read_dir(store.snapshot("abc")).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn branches_are_noted_and_commits_are_not() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path(), "a/b");
        store.note(&"0".repeat(40), "abc").unwrap();
        assert!(!cache.path().join("models--a--b/refs").exists());
        store.note("main", "abc").unwrap();
        store.note("main", "def").unwrap();
        assert_eq!(fs_err::read_to_string(cache.path().join("models--a--b/refs/main")).unwrap(), "def");
    }
}
