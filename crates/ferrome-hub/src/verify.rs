//! Whether the files of a model are what was published.

use std::path::Path;

use ferrome_core::weights::{Entry, shards_of};

use crate::{
    Error, Result,
    check::{Expected, check_file},
};

/// What a checksum is known from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The registry of Ferrome.
    Registry,
    /// The name that the hub gave the file in the cache.
    Hub,
    /// Nothing: the file is there, and more is not known.
    Nothing,
}

/// A file of a model.
#[derive(Debug)]
pub struct FileReport {
    /// Its path in the repository or folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What it was compared with.
    pub source: Source,
    /// How it differs.
    pub trouble: Option<String>,
}

/// Compares every file of a model in `root`, a snapshot of its repository or, for a model without one, its folder.
///
/// # Errors
///
/// A file cannot be read; one that differs is in the report.
pub fn verify(entry: &Entry, root: &Path) -> Result<Vec<FileReport>> {
    let listed = entry.files.iter().chain(&entry.optional).chain(&entry.weights).chain(entry.known.keys()).cloned();
    let shards = entry.weights.iter().flat_map(|weights| shards_of(weights, root));
    let mut files: Vec<String> = listed.chain(shards).collect();
    files.sort_unstable();
    files.dedup();
    // Of a published model some files are optional; of what ships with Ferrome none is.
    files.retain(|file| root.join(file).exists() || (entry.ships() && entry.known.contains_key(file)));
    files.into_iter().map(|path| report(entry, root, path)).collect()
}

fn report(entry: &Entry, root: &Path, path: String) -> Result<FileReport> {
    let file = root.join(&path);
    if !file.exists() {
        return Ok(FileReport { path, bytes: 0, source: Source::Registry, trouble: Some("is missing".into()) });
    }
    let bytes = fs_err::metadata(&file)?.len();
    let blob = fs_err::canonicalize(&file)?;
    // In the cache a file's content has the name that the hub gave it, which is its checksum.
    let in_cache = blob.parent().and_then(Path::file_name).is_some_and(|folder| folder == "blobs");
    let named = blob.file_name().and_then(|name| name.to_str()).filter(|_| in_cache).unwrap_or_default();
    let mut expected = Expected::of_server(bytes, named);
    let mut source = if expected == Expected::of_server(bytes, "") { Source::Nothing } else { Source::Hub };
    if let Some(known) = entry.known.get(&path) {
        source = if known.sha256.is_some() { Source::Registry } else { source };
        expected.bytes = known.bytes.unwrap_or(bytes);
        expected.sha256 = known.sha256.clone().or(expected.sha256);
    }
    let trouble = match check_file(&file, &expected) {
        Ok(()) => None,
        Err(Error::WrongSize { expected, found, .. }) => Some(format!("{found} bytes, expected {expected}")),
        Err(Error::WrongChecksum { kind, expected, found, .. }) => Some(format!("{kind} {found}, expected {expected}")),
        Err(error) => return Err(error),
    };
    Ok(FileReport { path, bytes, source, trouble })
}
