//! A model from the hub into the cache.

use std::path::{Component, Path, PathBuf};

use ferrome_core::{
    interrupt::Interrupt,
    weights::{Entry, how_to_get, shards_named},
};

use crate::{
    Error, Progress, Result, Settings,
    client::Client,
    fetch::Fetcher,
    plan::{Planned, Planner},
    retry::Patience,
    store::Store,
};

/// The hub, as the environment sets it.
pub struct Hub {
    settings: Settings,
    interrupt: Interrupt,
    progress: Progress,
}

/// A model that is in the cache now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pulled {
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of files that were not there before.
    pub downloaded: u64,
}

impl Hub {
    /// A hub that stops when `interrupt` is raised and tells `progress` how far it is.
    #[must_use]
    pub fn new(settings: Settings, interrupt: Interrupt, progress: Progress) -> Self {
        Self { settings, interrupt, progress }
    }

    /// Brings a model into the cache, unless it is there already, which nobody is asked about.
    ///
    /// # Errors
    ///
    /// Says which address refused and what to do, or how the file differs from what was announced or published. Files that
    /// are whole stay; of others what came stays under a name that nobody takes for the file.
    pub fn pull(&self, entry: &Entry) -> Result<Pulled> {
        if let Some(folder) = entry.in_hub_cache() {
            return Ok(Pulled { folder, downloaded: 0 });
        }
        let Some(repository) = &entry.repository else {
            return Err(Error::NotOnHub { name: entry.name.clone(), advice: how_to_get(entry) });
        };
        if self.settings.offline {
            return Err(Error::Offline { name: entry.name.clone(), cache: self.settings.cache.clone() });
        }
        let pulled = self.download(entry, repository);
        self.progress.finish();
        pulled
    }

    fn download(&self, entry: &Entry, repository: &str) -> Result<Pulled> {
        let client = Client::new(&self.settings)?;
        let store = Store::new(&self.settings.cache, repository);
        let patience = Patience { pause: self.settings.pause, interrupt: &self.interrupt, progress: &self.progress };
        let fetcher = Fetcher { client: &client, store: &store, patience };
        let mut planner = Planner::new(&client, patience, entry, repository);
        let mut files = planner.files()?;
        self.progress.expect(total(&files));
        let mut downloaded = self.fetch(&fetcher, &files)?;
        if let Some(index) = files.last().cloned().filter(|file| file.path.ends_with(".index.json")) {
            let shards = shards(&index, &store.blob(&index.remote.etag))?;
            let shards: Vec<Planned> = shards.iter().map(|shard| planner.file(shard)).collect::<Result<_>>()?;
            self.progress.expect(total(&shards));
            downloaded += self.fetch(&fetcher, &shards)?;
            files.extend(shards);
        }
        let commit = planner.commit();
        for file in &files {
            store.link(commit, &file.path, &file.remote.etag)?;
        }
        store.note(&entry.revision, commit)?;
        let folder = store.snapshot(commit);
        Ok(Pulled { folder: if entry.folder.is_empty() { folder } else { folder.join(&entry.folder) }, downloaded })
    }

    fn fetch(&self, fetcher: &Fetcher<'_>, files: &[Planned]) -> Result<u64> {
        let mut downloaded = 0;
        for file in files {
            if fetcher.fetch(file)? {
                downloaded += file.expected.bytes;
                self.progress.say(&format!("{} ({} bytes)", file.path, file.expected.bytes));
            }
        }
        Ok(downloaded)
    }
}

fn total(files: &[Planned]) -> u64 {
    files.iter().map(|file| file.expected.bytes).sum()
}

// The shards that an index names, as paths in the repository.
fn shards(index: &Planned, blob: &Path) -> Result<Vec<String>> {
    let wrong = |reason: String| Error::Index { file: index.url.clone(), reason };
    let shards = shards_named(&index.path, &fs_err::read_to_string(blob)?);
    if shards.is_empty() {
        return Err(wrong("has no `weight_map` with names of files".into()));
    }
    let plain = |shard: &&String| Path::new(shard).components().all(|part| matches!(part, Component::Normal(_)));
    match shards.iter().find(|shard| !plain(shard)) {
        Some(shard) => Err(wrong(format!("names the file `{shard}`"))),
        None => Ok(shards),
    }
}
