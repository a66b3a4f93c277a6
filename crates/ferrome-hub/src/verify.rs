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

/// Compares every file of a model in `root`, a snapshot of its repository or, for a model without one, its folder. A file
/// without which the model cannot be used, and that is not there, is in the report, too.
///
/// # Errors
///
/// A file cannot be read; one that differs is in the report.
pub fn verify(entry: &Entry, root: &Path) -> Result<Vec<FileReport>> {
    files_of(entry, root).into_iter().map(|path| report(entry, root, path)).collect()
}

// What the model needs, there or not, and what else of it is there.
fn files_of(entry: &Entry, root: &Path) -> Vec<String> {
    // A link to a file that is gone is there, and is told of.
    let is_named = |file: &String| root.join(file).symlink_metadata().is_ok();
    // Of a published model some files are optional; of what ships with Ferrome none is.
    let is_due = |file: &String| is_named(file) || (entry.ships() && entry.known.contains_key(file));
    let others = entry.optional.iter().chain(&entry.weights).chain(entry.known.keys()).filter(|file| is_due(file));
    let shards = entry.weights.iter().flat_map(|weights| shards_of(weights, root));
    let mut files: Vec<String> = entry.files.iter().chain(others).cloned().chain(shards).collect();
    if !entry.ships() && !entry.weights.iter().any(is_named) {
        files.push(entry.weights.join(" or "));
    }
    files.sort_unstable();
    files.dedup();
    files
}

fn report(entry: &Entry, root: &Path, path: String) -> Result<FileReport> {
    let file = root.join(&path);
    if !file.is_file() {
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
        Ok(()) if path.ends_with(".index.json") && shards_of(&path, root).is_empty() => Some("names no shards".into()),
        Ok(()) => None,
        Err(Error::WrongSize { expected, found, .. }) => Some(format!("{found} bytes, expected {expected}")),
        Err(Error::WrongChecksum { kind, expected, found, .. }) => Some(format!("{kind} {found}, expected {expected}")),
        Err(error) => return Err(error),
    };
    Ok(FileReport { path, bytes, source, trouble })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    // A folder with these files, of which an index names `one.bin` and `two.bin`.
    fn folder(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let text = if file.ends_with(".index.json") {
                r#"{"weight_map": {"a": "one.bin", "b": "two.bin"}}"#
            } else {
                "{}"
            };
            fs_err::write(folder.path().join(file), text).unwrap();
        }
        folder
    }

    // Files and what is wrong with them, of a repository of the hub.
    fn found(folder: &TempDir) -> Vec<(String, Option<String>)> {
        let reports = verify(&Entry::of_hub("a/b").unwrap(), folder.path()).unwrap();
        reports.into_iter().map(|report| (report.path, report.trouble)).collect()
    }

    fn right(file: &str) -> (String, Option<String>) {
        (file.to_owned(), None)
    }

    fn missing(file: &str) -> (String, Option<String>) {
        (file.to_owned(), Some("is missing".to_owned()))
    }

    #[test]
    fn nothing_is_there() {
        let weights =
            "model.safetensors or model.safetensors.index.json or pytorch_model.bin or pytorch_model.bin.index.json";
        assert_eq!(found(&folder(&[])), [missing("config.json"), missing(weights)]);
    }

    #[test]
    fn optional_files_and_other_weights_may_be_missing() {
        let folder = folder(&["config.json", "pytorch_model.bin", "vocab.txt"]);
        assert_eq!(found(&folder), ["config.json", "pytorch_model.bin", "vocab.txt"].map(right));
    }

    #[test]
    fn shard_that_an_index_names_is_missing() {
        let folder = folder(&["config.json", "pytorch_model.bin.index.json", "two.bin"]);
        let others = ["pytorch_model.bin.index.json", "two.bin"].map(right);
        assert_eq!(found(&folder), [&[right("config.json"), missing("one.bin")][..], &others].concat());
    }

    #[test]
    fn index_that_names_nothing() {
        let folder = folder(&["config.json"]);
        fs_err::write(folder.path().join("model.safetensors.index.json"), "{}").unwrap();
        let index = ("model.safetensors.index.json".to_owned(), Some("names no shards".to_owned()));
        assert_eq!(found(&folder), [right("config.json"), index]);
    }

    #[test]
    fn links_to_files_that_are_gone() {
        let folder = folder(&["config.json"]);
        for file in ["model.safetensors", "vocab.txt"] {
            std::os::unix::fs::symlink("../../blobs/gone", folder.path().join(file)).unwrap();
        }
        assert_eq!(found(&folder), [right("config.json"), missing("model.safetensors"), missing("vocab.txt")]);
    }
}
