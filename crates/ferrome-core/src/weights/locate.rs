//! Where a model lies that the user named: a path, a name in `weights/`, or a published name in the caches on disk.

use std::path::{Path, PathBuf};

use super::hub_cache::{CachedRepository, hub_cache};
use super::registry::{Entry, Room, nearest, registered, within};
use super::shipped;
use crate::{Error, Result};

/// Where the published models of a room are looked for by name.
#[derive(Clone, Debug)]
pub struct Published<'a> {
    /// The room.
    pub room: Room,
    /// The organisation on the Hugging Face hub of a name that has none.
    pub organisation: &'a str,
    /// A repository of that organisation whose folders are models of their own.
    pub shelf: Option<&'a str>,
    /// Files outside the Hugging Face caches.
    pub elsewhere: Vec<PathBuf>,
}

/// Finds the folder or file of `model`: a path; a name in `weights/` (see [`shipped`]); a file `elsewhere`; a model of the
/// registry or any repository in the Hugging Face cache, as `organisation/repository`, as its name alone, or as a folder of
/// the shelf.
///
/// # Errors
///
/// [`Error::ModelNotFound`] says where it looked and how to get the model, or which name may have been meant.
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
    let entry = registered(model);
    match entry {
        Some(entry) => match entry.in_hub_cache() {
            Some(found) => return Ok(found),
            None => looked.extend(entry.place_in_hub_cache()),
        },
        None => match published.in_hub_cache(model) {
            Ok(found) => return Ok(found),
            Err(places) => looked.extend(places),
        },
    }
    Err(Error::ModelNotFound { model: model.to_owned(), looked, advice: advice(model, entry, published.room) })
}

impl Published<'_> {
    // The folder of a model that the registry does not list, or the places where it would lie.
    fn in_hub_cache(&self, model: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let Some(cache) = hub_cache() else { return Err(Vec::new()) };
        let mut looked = Vec::new();
        for (repository, folder) in self.repositories(model) {
            let repository = CachedRepository::new(&cache, &repository);
            let found = repository.snapshot("main").map(|snapshot| within(snapshot, &folder));
            if let Some(found) = found.filter(|found| found.is_dir()) {
                return Ok(found);
            }
            looked.push(within(repository.path().to_owned(), &folder));
        }
        Err(looked)
    }

    // Repositories, and folders in them, that a name may mean.
    fn repositories(&self, model: &str) -> Vec<(String, String)> {
        let of = |organisation: &str, name: &str| format!("{organisation}/{name}");
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
}

/// What to do about a model that is not here; `room` is what it was wanted for.
fn advice(model: &str, entry: Option<&Entry>, room: Room) -> String {
    match entry {
        Some(entry) if entry.room.is_some_and(|of| of != room) => {
            let of = entry.room.unwrap_or(room);
            format!("it is a model of `ferrome {}`, not of `ferrome {}`", of.name(), room.name())
        }
        Some(entry) => how_to_get(entry),
        None => match nearest(model, Some(room)).as_slice() {
            [] if Entry::of_hub(model).is_some() => {
                format!("get it with `ferrome model pull {model}` or give a folder")
            }
            [] => "`ferrome model list` shows the names that are known; or give a folder".to_owned(),
            names => format!("did you mean {}?", or(names)),
        },
    }
}

/// The command, or the way by hand, to a model of the registry.
#[must_use]
pub fn how_to_get(entry: &Entry) -> String {
    match &entry.by_hand {
        Some(place) => {
            let files: Vec<&str> = entry.weights.iter().chain(&entry.files).map(String::as_str).collect();
            format!(
                "it is published on Google Drive only: get {} from {place} into a folder, and give that folder",
                files.join(", ")
            )
        }
        None if entry.ships() => {
            "it lies in weights/ of Ferrome's repository: give its path, or that of weights/ in FERROME_WEIGHTS".into()
        }
        None => format!("get it with `ferrome model pull {}` or give a folder", entry.name),
    }
}

/// `a`, `b` or `c`, in backticks.
#[must_use]
pub fn or(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn esm() -> Published<'static> {
        Published { room: Room::Protein, organisation: "facebook", shelf: None, elsewhere: Vec::new() }
    }

    fn geneformer() -> Published<'static> {
        let shelf = Some("Geneformer");
        Published { room: Room::Cell, organisation: "ctheodoris", shelf, elsewhere: Vec::new() }
    }

    fn refused(model: &str, published: &Published<'_>) -> String {
        let message = locate(model, published).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("model `{model}` was not found; looked for weights/{model}, ")),
            "{message}"
        );
        message
    }

    #[test]
    fn names_lead_to_repositories_and_their_folders() {
        let pairs = |published: Published<'_>, model: &str| {
            let pairs = published.repositories(model).into_iter();
            pairs.map(|(repository, folder)| format!("{repository} {folder}")).collect::<Vec<_>>()
        };
        assert_eq!(pairs(esm(), "esm2_t0_0M"), ["facebook/esm2_t0_0M "]);
        assert_eq!(pairs(esm(), "a/b"), ["a/b "]);
        assert_eq!(pairs(geneformer(), "Geneformer"), ["ctheodoris/Geneformer "]);
        assert_eq!(
            pairs(geneformer(), "Geneformer-V0"),
            ["ctheodoris/Geneformer-V0 ", "ctheodoris/Geneformer Geneformer-V0"]
        );
        assert_eq!(pairs(geneformer(), "ctheodoris/Geneformer/mine"), ["ctheodoris/Geneformer mine"]);
    }

    #[test]
    fn published_name_that_is_not_here_comes_with_the_command_that_gets_it() {
        let message = refused("esm2_t36_3B_UR50D", &esm());
        assert!(message.ends_with("get it with `ferrome model pull esm2_t36_3B_UR50D` or give a folder"), "{message}");
        let message = refused("someone/model", &esm());
        assert!(message.ends_with("get it with `ferrome model pull someone/model` or give a folder"), "{message}");
    }

    #[test]
    fn misspelt_name_and_name_that_is_like_none() {
        let message = refused("esm2_t33_650M", &esm());
        assert!(message.ends_with("; did you mean `esm2_t33_650M_UR50D`?"), "{message}");
        let message = refused("my-model", &geneformer());
        assert!(
            message.ends_with("; `ferrome model list` shows the names that are known; or give a folder"),
            "{message}"
        );
    }

    #[test]
    fn model_of_another_room() {
        let message = refused("Geneformer-V2-104M", &esm());
        assert!(message.ends_with("; it is a model of `ferrome cell`, not of `ferrome protein`"), "{message}");
    }

    #[test]
    fn model_that_is_published_where_no_program_gets_it() {
        let message = refused("scGPT_human", &geneformer());
        let end = "; it is published on Google Drive only: get best_model.pt, args.json, vocab.json from \
            https://drive.google.com/drive/folders/1oWh_-ZRdhtoGQ2Fw24HP41FgLoomVo-y into a folder, and give that folder";
        assert!(message.ends_with(end), "{message}");
    }

    #[test]
    fn lists_of_names() {
        assert_eq!(
            (or(&["a"]), or(&["a", "b"]), or(&["a", "b", "c"])),
            ("`a`".into(), "`a` or `b`".into(), "`a`, `b` or `c`".into())
        );
    }

    #[test]
    fn path_that_is_not_there() {
        let refused = locate("./no/such", &esm()).unwrap_err().to_string();
        assert_eq!(refused, "./no/such: no such model folder or file");
    }
}
