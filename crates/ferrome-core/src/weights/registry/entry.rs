use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::weights::hub_cache::{CachedRepository, hub_cache};

/// What runs a model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// `ferrome protein`.
    Protein,
    /// `ferrome cell`.
    Cell,
    /// `ferrome drug`.
    Drug,
}

impl Room {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protein => "protein",
            Self::Cell => "cell",
            Self::Drug => "drug",
        }
    }
}

/// What is known of a file before it is there.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct KnownFile {
    /// Its size.
    pub bytes: Option<u64>,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// A model of the registry. Paths of files are those in its repository; for a model without one, those in its folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name that `-m` takes.
    pub name: String,
    /// The architecture, with its version.
    pub family: String,
    /// What runs it.
    pub room: Option<Room>,
    /// `organisation/repository` on the Hugging Face hub.
    pub repository: Option<String>,
    /// The branch or commit.
    #[serde(default = "main_branch")]
    pub revision: String,
    /// The folder of the repository that is the model; empty for all of it.
    #[serde(default)]
    pub folder: String,
    /// Where a person gets it whose publisher has it nowhere else.
    pub by_hand: Option<String>,
    /// Files without which the model cannot be used.
    pub files: Vec<String>,
    /// Weight files or indices of shards, of which the first that the repository has is taken.
    pub weights: Vec<String>,
    /// Files that are taken where the repository has them.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Sizes and checksums that were published.
    #[serde(default)]
    pub known: BTreeMap<String, KnownFile>,
    /// The licence of the weights.
    pub licence: String,
    /// The size of the weights, for a person to plan with.
    pub about_bytes: Option<u64>,
    /// What it is for.
    #[serde(rename = "use")]
    pub purpose: String,
}

/// Licences under which anyone may use the weights for anything.
const PERMISSIVE: [&str; 6] = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0"];

impl Entry {
    /// A repository of the hub that the registry does not list, as `organisation/repository` or with a folder behind it.
    #[must_use]
    pub fn of_hub(name: &str) -> Option<Self> {
        let mut words = name.splitn(3, '/');
        let (organisation, repository) = (words.next()?, words.next()?);
        let folder = words.next().unwrap_or_default().trim_end_matches('/');
        let plain = |word: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !word.is_empty() && !word.starts_with('.') && word.bytes().all(allowed)
        };
        if !plain(organisation) || !plain(repository) || !(folder.is_empty() || folder.split('/').all(plain)) {
            return None;
        }
        let within = |file: &&str| if folder.is_empty() { (*file).to_owned() } else { format!("{folder}/{file}") };
        let all = |files: &[&str]| files.iter().map(within).collect();
        Some(Self {
            name: name.to_owned(),
            family: String::new(),
            room: None,
            repository: Some(format!("{organisation}/{repository}")),
            revision: main_branch(),
            folder: folder.to_owned(),
            by_hand: None,
            files: all(&["config.json"]),
            weights: all(&[
                "model.safetensors",
                "model.safetensors.index.json",
                "pytorch_model.bin",
                "pytorch_model.bin.index.json",
            ]),
            optional: all(&["vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "vocabulary.json"]),
            known: BTreeMap::new(),
            licence: String::new(),
            about_bytes: None,
            purpose: String::new(),
        })
    }

    /// Whether it ships with Ferrome, in `weights/`.
    #[must_use]
    pub fn ships(&self) -> bool {
        self.repository.is_none() && self.by_hand.is_none()
    }

    /// Whether anyone may use the weights for anything; a licence that is not known is not permissive.
    #[must_use]
    pub fn is_permissive(&self) -> bool {
        let licence = self.licence.split(" (").next().unwrap_or_default();
        licence.split(" OR ").any(|licence| PERMISSIVE.contains(&licence))
    }

    /// Where it lies in the Hugging Face cache, when all of its weights are there.
    #[must_use]
    pub fn in_hub_cache(&self) -> Option<PathBuf> {
        let repository = CachedRepository::new(&hub_cache()?, self.repository.as_deref()?);
        let snapshot = repository.snapshot(&self.revision)?;
        self.is_whole_in(&snapshot).then(|| within(snapshot, &self.folder))
    }

    /// Where it would lie in the Hugging Face cache.
    #[must_use]
    pub fn place_in_hub_cache(&self) -> Option<PathBuf> {
        let repository = CachedRepository::new(&hub_cache()?, self.repository.as_deref()?);
        Some(within(repository.path().to_owned(), &self.folder))
    }

    /// Whether a copy of its repository has every file that the model needs. A link to a blob that is gone does not count.
    #[must_use]
    pub fn is_whole_in(&self, repository: &Path) -> bool {
        let there = |file: &str| repository.join(file).is_file();
        let weights = |file: &String| there(file) && shards_of(file, repository).iter().all(|shard| there(shard));
        self.files.iter().all(|file| there(file)) && self.weights.iter().any(weights)
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        let Some(repository) = &self.repository else { return self.name == name };
        let rest = name.strip_prefix(repository.as_str());
        self.name == name || rest.is_some_and(|rest| rest.trim_start_matches('/') == self.folder)
    }
}

/// The shards that an index of weights in a copy of a repository names, as paths in the repository; none for other files.
#[must_use]
pub fn shards_of(file: &str, repository: &Path) -> Vec<String> {
    if !file.ends_with(".index.json") {
        return Vec::new();
    }
    shards_named(file, &fs_err::read_to_string(repository.join(file)).unwrap_or_default())
}

/// The shards that the text of an index names, as paths in the repository that has the index under `file`.
#[must_use]
pub fn shards_named(file: &str, text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let Ok(index) = serde_json::from_str::<Index>(text) else { return Vec::new() };
    let folder = file.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    let mut shards: Vec<String> = index.weight_map.into_values().map(|shard| format!("{folder}{shard}")).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// `folder` in a repository, or the repository itself.
pub(in crate::weights) fn within(repository: PathBuf, folder: &str) -> PathBuf {
    if folder.is_empty() { repository } else { repository.join(folder) }
}

pub(super) fn main_branch() -> String {
    "main".to_owned()
}
