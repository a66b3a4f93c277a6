//! Where a model lies that the user named: a path, a name in `weights/`, or a published name in the caches on disk.

use std::env;
use std::path::{Path, PathBuf};

use super::shipped;
use crate::{Error, Result};

/// Where the published models of a room are looked for by name.
#[derive(Clone, Debug, Default)]
pub struct Published<'a> {
    /// The organisation on the Hugging Face hub of a name that has none.
    pub organisation: &'a str,
    /// A repository of that organisation whose folders are models of their own.
    pub shelf: Option<&'a str>,
    /// Files outside the Hugging Face caches.
    pub elsewhere: Vec<PathBuf>,
}

/// Finds the folder or file of `model`: a path; a name in `weights/` (see [`shipped`]); a file `elsewhere`; or a repository in
/// the Hugging Face cache, as `organisation/repository`, as its name alone, or as a folder of the shelf.
///
/// # Errors
///
/// [`Error::ModelNotFound`] says where it looked and how to get a published model.
pub fn locate(model: &str, published: &Published<'_>) -> Result<PathBuf> {
    let path = Path::new(model);
    if path.exists() {
        return Ok(path.to_owned());
    }
    if model.is_empty() || path.is_absolute() || model.starts_with('.') {
        return Err(Error::ModelPath { path: path.to_owned() });
    }
    let mut looked = Vec::new();
    for candidate in shipped(model).into_iter().chain(published.elsewhere.iter().cloned()) {
        if candidate.exists() {
            return Ok(candidate);
        }
        looked.push(candidate);
    }
    if let Some(cache) = hub_cache() {
        for (repository, folder) in published.repositories(model) {
            let repository = cache.join(repository);
            let found = snapshot(&repository).map(|snapshot| within(snapshot, &folder));
            if let Some(found) = found.filter(|found| found.is_dir()) {
                return Ok(found);
            }
            looked.push(within(repository, &folder));
        }
    }
    Err(Error::ModelNotFound { model: model.to_owned(), looked, advice: published.advice(model) })
}

impl Published<'_> {
    // Folders of the cache, and folders in their snapshots, that a name may mean.
    fn repositories(&self, model: &str) -> Vec<(String, String)> {
        let of = |organisation: &str, name: &str| format!("models--{organisation}--{name}");
        match (model.split_once('/'), self.shelf) {
            (Some((organisation, rest)), _) => {
                let (name, folder) = rest.split_once('/').unwrap_or((rest, ""));
                vec![(of(organisation, name), folder.to_owned())]
            }
            (None, Some(shelf)) if shelf != model => {
                vec![(of(self.organisation, model), String::new()), (of(self.organisation, shelf), model.to_owned())]
            }
            (None, _) => vec![(of(self.organisation, model), String::new())],
        }
    }

    fn advice(&self, model: &str) -> String {
        if model.starts_with("ferrome-") {
            return "it lies in weights/ of Ferrome's repository: give its path, or that of weights/ in FERROME_WEIGHTS"
                .into();
        }
        let organisation = self.organisation;
        let get = match (model.split_once('/'), self.shelf) {
            (Some((organisation, rest)), _) => match rest.split_once('/') {
                Some((name, folder)) => format!("{organisation}/{name} --include '{folder}/*'"),
                None => model.to_owned(),
            },
            (None, Some(shelf)) if shelf != model => format!("{organisation}/{shelf} --include '{model}/*'"),
            (None, _) => format!("{organisation}/{model}"),
        };
        format!("get it with `hf download {get}` or give a folder")
    }
}

/// The folder of the user's caches.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)
}

// $HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub: the order of huggingface_hub.
fn hub_cache() -> Option<PathBuf> {
    let explicit = env::var_os("HF_HUB_CACHE").map(PathBuf::from);
    let by_home = || env::var_os("HF_HOME").map(|home| PathBuf::from(home).join("hub"));
    let usual = || cache().map(|cache| cache.join("huggingface/hub"));
    explicit.or_else(by_home).or_else(usual)
}

// A folder in a repository, or the repository itself.
fn within(repository: PathBuf, folder: impl AsRef<Path>) -> PathBuf {
    if folder.as_ref().as_os_str().is_empty() { repository } else { repository.join(folder) }
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

    fn esm() -> Published<'static> {
        Published { organisation: "facebook", ..Published::default() }
    }

    fn geneformer() -> Published<'static> {
        Published { organisation: "ctheodoris", shelf: Some("Geneformer"), ..Published::default() }
    }

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
    fn names_lead_to_repositories_and_their_folders() {
        let pairs = |published: Published<'_>, model: &str| {
            let pairs = published.repositories(model).into_iter();
            pairs.map(|(repository, folder)| format!("{repository} {folder}")).collect::<Vec<_>>()
        };
        assert_eq!(pairs(esm(), "esm2_t6_8M_UR50D"), ["models--facebook--esm2_t6_8M_UR50D "]);
        assert_eq!(pairs(esm(), "a/b"), ["models--a--b "]);
        assert_eq!(pairs(geneformer(), "Geneformer"), ["models--ctheodoris--Geneformer "]);
        assert_eq!(
            pairs(geneformer(), "Geneformer-V1-10M"),
            ["models--ctheodoris--Geneformer-V1-10M ", "models--ctheodoris--Geneformer Geneformer-V1-10M"]
        );
        assert_eq!(
            pairs(geneformer(), "ctheodoris/Geneformer/Geneformer-V2-104M"),
            ["models--ctheodoris--Geneformer Geneformer-V2-104M"]
        );
    }

    #[test]
    fn unknown_name_says_where_it_looked_and_how_to_get_it() {
        let message = locate("esm2_t0_0M", &esm()).unwrap_err().to_string();
        assert!(message.starts_with("model `esm2_t0_0M` was not found; looked for weights/esm2_t0_0M, "), "{message}");
        assert!(message.ends_with("get it with `hf download facebook/esm2_t0_0M` or give a folder"), "{message}");
        let message = locate("Geneformer-V0", &geneformer()).unwrap_err().to_string();
        let end = "get it with `hf download ctheodoris/Geneformer --include 'Geneformer-V0/*'` or give a folder";
        assert!(message.ends_with(end), "{message}");
    }

    #[test]
    fn unknown_name_of_our_own_is_not_sent_to_the_hub() {
        let message = locate("ferrome-esm2-none", &esm()).unwrap_err().to_string();
        let start = "model `ferrome-esm2-none` was not found; looked for weights/ferrome-esm2-none, ";
        assert!(message.starts_with(start), "{message}");
        let end =
            "; it lies in weights/ of Ferrome's repository: give its path, or that of weights/ in FERROME_WEIGHTS";
        assert!(message.ends_with(end), "{message}");
    }

    #[test]
    fn path_that_is_not_there() {
        let refused = locate("./no/such", &esm()).unwrap_err().to_string();
        assert_eq!(refused, "./no/such: no such model folder or file");
    }
}
