//! Checkpoints in several files, listed by a Hugging Face `*.index.json`.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use super::mapping::Mapping;
use super::problem::ShardsProblem;
use super::{Checkpoint, format};
use crate::{Error, Result};

/// The index file; its `metadata` is not used.
#[derive(Debug, Deserialize)]
struct Index {
    /// Tensor name to file name.
    weight_map: BTreeMap<String, String>,
}

/// Opens all shards of an index, and checks that they hold exactly the tensors that it lists.
pub(super) fn open(path: &Path) -> Result<Checkpoint> {
    let index = read_index(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut names_by_shard: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, shard) in &index.weight_map {
        names_by_shard.entry(shard).or_default().push(name);
    }
    check_presence(folder, names_by_shard.keys().copied()).map_err(|problem| Error::weights(path, problem))?;

    let mut whole: Option<Checkpoint> = None;
    for (shard, names) in names_by_shard {
        let part = Checkpoint::open_file(&folder.join(shard))?;
        check_names(&part, shard, &names).map_err(|problem| Error::weights(path, problem))?;
        match &mut whole {
            Some(whole) => whole.merge(part)?,
            None => whole = Some(part),
        }
    }
    whole.ok_or_else(|| Error::weights(path, ShardsProblem::BadIndex { detail: "`weight_map` is empty".into() }))
}

fn read_index(path: &Path) -> Result<Index> {
    let mapping = Mapping::open(path)?;
    format::refuse_pointer(mapping.bytes()).map_err(|problem| Error::weights(path, problem))?;
    serde_json::from_slice(mapping.bytes())
        .map_err(|error| Error::weights(path, ShardsProblem::BadIndex { detail: error.to_string() }))
}

/// Checks that all shards are plain file names and that the files exist.
fn check_presence<'s>(folder: &Path, shards: impl Iterator<Item = &'s str> + Clone) -> Result<(), ShardsProblem> {
    if let Some(shard) = shards.clone().find(|shard| !is_plain_name(shard)) {
        return Err(ShardsProblem::ShardPath { shard: shard.to_owned() });
    }
    let total = shards.clone().count();
    let missing: Vec<String> = shards.filter(|shard| !folder.join(shard).exists()).map(str::to_owned).collect();
    if missing.is_empty() { Ok(()) } else { Err(ShardsProblem::ShardsMissing { missing, total }) }
}

/// Whether a name stays inside its folder.
fn is_plain_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name)
}

/// Checks that a shard holds `names` (sorted) and nothing else.
fn check_names(part: &Checkpoint, shard: &str, names: &[&str]) -> Result<(), ShardsProblem> {
    if let Some(name) = names.iter().find(|name| part.info(name).is_none()) {
        return Err(ShardsProblem::NotInShard { name: name.to_string(), shard: shard.to_owned() });
    }
    match part.names().find(|name| names.binary_search(name).is_err()) {
        Some(name) => Err(ShardsProblem::NotInIndex { name: name.to_owned(), shard: shard.to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::tests::{file, two_tensors};
    use tempfile::TempDir;

    /// A folder with shard `1` (`a` and `b`), shard `2` (`c`) and this weight map.
    fn folder(weight_map: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("1"), two_tensors()).unwrap();
        let c = file(r#"{"c":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1);
        fs_err::write(folder.path().join("2"), c).unwrap();
        let index = format!(r#"{{"metadata":{{"total_size":13}},"weight_map":{weight_map}}}"#);
        fs_err::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
        folder
    }

    #[track_caller]
    fn refused(weight_map: &str, expected: &str) {
        let folder = folder(weight_map);
        let path = folder.path().join("model.safetensors.index.json");
        let message = Checkpoint::open_folder(folder.path()).unwrap_err().to_string();
        assert_eq!(message, format!("{}: {expected}", path.display()));
    }

    #[test]
    fn open_of_all_shards() {
        let folder = folder(r#"{"a":"1","b":"1","c":"2"}"#);
        let checkpoint = Checkpoint::open_folder(folder.path()).unwrap();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(checkpoint.with_bytes("c", <[u8]>::to_vec).unwrap(), [0]);
    }

    #[test]
    fn open_without_some_shards() {
        refused(r#"{"a":"1","b":"1","c":"3","d":"4"}"#, "2 of 3 shards missing: `3`, `4`");
    }

    #[test]
    fn open_of_a_shard_outside_the_folder() {
        refused(r#"{"a":"../1"}"#, "shard `../1` is not a plain file name");
        refused(r#"{"a":"/etc/passwd"}"#, "shard `/etc/passwd` is not a plain file name");
        refused(r#"{"a":""}"#, "shard `` is not a plain file name");
    }

    #[test]
    fn open_of_shards_that_differ_from_the_index() {
        refused(r#"{"a":"1","b":"1","c":"2","d":"2"}"#, "tensor `d` is not in shard `2`");
        refused(r#"{"a":"1","c":"2"}"#, "tensor `b` of shard `1` is not in the index");
    }

    #[test]
    fn open_of_an_index_that_is_none() {
        refused("[]", "invalid shard index: invalid type: sequence, expected a map at line 1 column 43");
        refused("{}", "invalid shard index: `weight_map` is empty");
    }
}
