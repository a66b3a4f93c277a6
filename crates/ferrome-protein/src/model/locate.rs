//! Where a model lies that the user named: a path, a name in `weights/`, or a published name in the caches on disk.

use std::{
    env,
    path::{Path, PathBuf},
};

use ferrome_core::weights::shipped;

use crate::{Error, Result};

/// Finds the folder or file of `model`.
///
/// # Errors
///
/// [`Error::ModelNotFound`] says where it looked and how to get a published model.
pub fn locate(model: &str) -> Result<PathBuf> {
    let path = Path::new(model);
    if path.exists() {
        return Ok(path.to_owned());
    }
    if model.is_empty() || path.is_absolute() || model.starts_with('.') {
        return Err(Error::ModelPath { path: path.to_owned() });
    }
    let mut looked = Vec::new();
    for candidate in shipped(model).into_iter().chain(torch_hub(model)) {
        if candidate.exists() {
            return Ok(candidate);
        }
        looked.push(candidate);
    }
    for folder in hub_caches() {
        let (organisation, name) = model.split_once('/').unwrap_or(("facebook", model));
        let repository = folder.join(format!("models--{organisation}--{name}"));
        if let Some(snapshot) = snapshot(&repository) {
            return Ok(snapshot);
        }
        looked.push(repository);
    }
    Err(Error::ModelNotFound { model: model.to_owned(), looked, advice: advice(model) })
}

fn advice(model: &str) -> String {
    if model.starts_with("ferrome-") {
        return "it lies in weights/ of Ferrome's repository: give its path, or that of weights/ in FERROME_WEIGHTS"
            .into();
    }
    let repository = if model.contains('/') { model.to_owned() } else { format!("facebook/{model}") };
    format!("get it with `hf download {repository}` or give a folder")
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from)
}

// $TORCH_HOME/hub/checkpoints, where fair-esm's own loader puts its files.
fn torch_hub(model: &str) -> Option<PathBuf> {
    let torch = env::var_os("TORCH_HOME").map(PathBuf::from);
    let torch = torch.or_else(|| cache().map(|cache| cache.join("torch")))?;
    let name = model.rsplit('/').next().unwrap_or(model);
    Some(torch.join("hub/checkpoints").join(format!("{name}.pt")))
}

fn cache() -> Option<PathBuf> {
    env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| home().map(|home| home.join(".cache")))
}

// $HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub: the order of huggingface_hub.
fn hub_caches() -> Vec<PathBuf> {
    let explicit = env::var_os("HF_HUB_CACHE").map(PathBuf::from);
    let by_home = env::var_os("HF_HOME").map(|home| PathBuf::from(home).join("hub"));
    let usual = || cache().map(|cache| cache.join("huggingface/hub"));
    explicit.or(by_home).or_else(usual).into_iter().collect()
}

// The snapshot that `refs/main` names, or the only one there is.
fn snapshot(repository: &Path) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    if let Ok(revision) = fs_err::read_to_string(repository.join("refs/main")) {
        return Some(snapshots.join(revision.trim())).filter(|folder| folder.is_dir());
    }
    let mut folders = fs_err::read_dir(&snapshots).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let first = folders.next()?;
    folders.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_of_refs_main_comes_before_others() {
        let folder = tempfile::tempdir().unwrap();
        for revision in ["abc", "def"] {
            fs_err::create_dir_all(folder.path().join("snapshots").join(revision)).unwrap();
        }
        assert_eq!(snapshot(folder.path()), None);
        fs_err::create_dir_all(folder.path().join("refs")).unwrap();
        fs_err::write(folder.path().join("refs/main"), "def\n").unwrap();
        assert_eq!(snapshot(folder.path()), Some(folder.path().join("snapshots/def")));
    }

    #[test]
    fn unknown_name_says_where_it_looked_and_how_to_get_it() {
        let message = locate("esm2_t0_0M").unwrap_err().to_string();
        assert!(message.starts_with("model `esm2_t0_0M` was not found; looked for weights/esm2_t0_0M, "), "{message}");
        assert!(message.ends_with("get it with `hf download facebook/esm2_t0_0M` or give a folder"), "{message}");
    }

    #[test]
    fn unknown_name_of_our_own_is_not_sent_to_the_hub() {
        let message = locate("ferrome-esm2-none").unwrap_err().to_string();
        let start = "model `ferrome-esm2-none` was not found; looked for weights/ferrome-esm2-none, ";
        assert!(message.starts_with(start), "{message}");
        let end =
            "; it lies in weights/ of Ferrome's repository: give its path, or that of weights/ in FERROME_WEIGHTS";
        assert!(message.ends_with(end), "{message}");
    }

    #[test]
    fn path_that_is_not_there() {
        assert_eq!(locate("./no/such").unwrap_err().to_string(), "./no/such: no such model folder or file");
    }
}
