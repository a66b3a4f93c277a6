//! The cache that the Hugging Face libraries share: where it lies, and where a repository lies in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of the user's caches.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)
}

/// The folder of `huggingface_hub`, where its token lies: `$HF_HOME`, else `huggingface` in the user's caches.
#[must_use]
pub fn hub_home() -> Option<PathBuf> {
    folder("HF_HOME").or_else(|| cache().map(|cache| cache.join("huggingface")))
}

/// Where repositories lie: `$HF_HUB_CACHE`, else `hub` in [`hub_home`], as `huggingface_hub` has it.
#[must_use]
pub fn hub_cache() -> Option<PathBuf> {
    let asked = folder("HF_HUB_CACHE").or_else(|| folder("HUGGINGFACE_HUB_CACHE"));
    asked.or_else(|| hub_home().map(|home| home.join("hub")))
}

// A variable that names a folder. `~` is not always the shell's to replace: container files and job scripts quote it.
fn folder(variable: &str) -> Option<PathBuf> {
    let value: OsString = env::var_os(variable).filter(|value| !value.is_empty())?;
    let path = PathBuf::from(value);
    match (path.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Some(PathBuf::from(home).join(rest)),
        _ => Some(path),
    }
}

/// A repository in the cache: `blobs/` with contents under their checksums, `refs/` with the commits that branches name, and
/// `snapshots/COMMIT/` with links to the blobs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CachedRepository {
    folder: PathBuf,
}

impl CachedRepository {
    /// The repository `name` (`organisation/repository`) in `cache`.
    #[must_use]
    pub fn new(cache: &Path, name: &str) -> Self {
        Self { folder: cache.join(format!("models--{}", name.replace('/', "--"))) }
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The snapshot of `revision`, a commit or the name of a branch; for a branch without a note of its commit, the only
    /// snapshot there is.
    #[must_use]
    pub fn snapshot(&self, revision: &str) -> Option<PathBuf> {
        let snapshots = self.folder.join("snapshots");
        if is_commit(revision) {
            return Some(snapshots.join(revision)).filter(|folder| folder.is_dir());
        }
        if let Ok(commit) = fs_err::read_to_string(self.folder.join("refs").join(revision)) {
            return Some(snapshots.join(commit.trim())).filter(|folder| folder.is_dir());
        }
        let mut folders = fs_err::read_dir(&snapshots).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let first = folders.next()?;
        folders.next().is_none().then_some(first)
    }
}

/// Whether a revision is a commit, forty hexadecimal digits, and not a branch.
#[must_use]
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_of_refs_comes_before_others() {
        let cache = tempfile::tempdir().unwrap();
        let repository = CachedRepository::new(cache.path(), "facebook/esm2");
        assert_eq!(repository.path(), cache.path().join("models--facebook--esm2"));
        for revision in ["abc", "def"] {
            fs_err::create_dir_all(repository.path().join("snapshots").join(revision)).unwrap();
        }
        assert_eq!(repository.snapshot("main"), None);
        fs_err::create_dir_all(repository.path().join("refs")).unwrap();
        fs_err::write(repository.path().join("refs/main"), "def\n").unwrap();
        assert_eq!(repository.snapshot("main"), Some(repository.path().join("snapshots/def")));
    }

    #[test]
    fn commit_is_the_name_of_its_snapshot() {
        let cache = tempfile::tempdir().unwrap();
        let repository = CachedRepository::new(cache.path(), "a/b");
        let (commit, other) = ("0".repeat(40), "1".repeat(40));
        fs_err::create_dir_all(repository.path().join("snapshots").join(&commit)).unwrap();
        assert_eq!(repository.snapshot(&commit), Some(repository.path().join("snapshots").join(&commit)));
        assert_eq!(repository.snapshot(&other), None, "another commit is not what was asked for");
    }
}
