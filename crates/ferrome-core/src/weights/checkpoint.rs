use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::format::{self, Listing};
use super::mapping::Mapping;
use super::{Problem, TensorInfo, Value};
use crate::{Error, Result};

/// The named tensors of one or more weight files, sorted by name, and the configuration beside them.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<WeightFile>,
    tensors: BTreeMap<String, TensorInfo>,
    metadata: Value,
}

/// One mapped file.
#[derive(Debug)]
struct WeightFile {
    path: PathBuf,
    mapping: Mapping,
}

impl Checkpoint {
    /// Reads a weight file that is already in memory; `path` is for messages, and its extension helps to tell formats
    /// apart.
    ///
    /// # Errors
    /// Any [`Problem`] of a single file.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Checkpoint> {
        Checkpoint::from_mapping(path, Mapping::Owned(bytes))
    }

    /// Reads what the mapped file lists.
    pub(super) fn from_mapping(path: &Path, mapping: Mapping) -> Result<Checkpoint> {
        let Listing { tensors, metadata } =
            format::list(mapping.bytes(), path).map_err(|problem| Error::weights(path, problem))?;
        let files = vec![WeightFile { path: path.to_owned(), mapping }];
        Ok(Checkpoint { files, tensors, metadata })
    }

    /// Adds the tensors and the metadata of `other`, such as fair-esm's contact-regression file.
    ///
    /// # Errors
    /// A tensor name is in both.
    pub fn merge(&mut self, other: Checkpoint) -> Result<()> {
        if let Some(name) = other.tensors.keys().find(|name| self.tensors.contains_key(*name)) {
            let problem = Problem::AlsoIn { name: name.clone(), other: other.path().display().to_string() };
            return Err(Error::weights(self.path(), problem));
        }
        let before = self.files.len();
        self.files.extend(other.files);
        self.tensors.extend(other.tensors.into_iter().map(|(name, mut info)| {
            info.file += before;
            (name, info)
        }));
        self.metadata.extend(other.metadata);
        Ok(())
    }

    /// Renames tensors by the key table of a family; a tensor for which `table` returns `None` keeps its name.
    ///
    /// # Errors
    /// Two tensors would get the same name; the checkpoint then keeps its old names.
    pub fn rename(&mut self, table: impl Fn(&str) -> Option<String>) -> Result<()> {
        let mut origins: BTreeMap<String, &str> = BTreeMap::new();
        for old in self.tensors.keys() {
            match origins.entry(table(old).unwrap_or_else(|| old.clone())) {
                Entry::Vacant(entry) => drop(entry.insert(old)),
                Entry::Occupied(entry) => {
                    let (first, second) = (entry.get().to_string(), old.clone());
                    let problem = Problem::RenamedTwice { first, second, name: entry.key().clone() };
                    return Err(Error::weights(self.path(), problem));
                }
            }
        }
        let renamed = origins.into_iter().filter_map(|(new, old)| Some((new, self.tensors.get(old)?.clone())));
        self.tensors = renamed.collect();
        Ok(())
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Where and what a tensor is.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name)
    }

    /// Number of tensors; tied weights count once per name.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is no tensor at all.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Bytes of all tensors; tied weights count once per name.
    pub fn total_bytes(&self) -> u64 {
        self.tensors.values().map(|info| info.byte_len() as u64).sum()
    }

    /// Configuration found beside the tensors, always a [`Value::Dict`]: `__metadata__` of safetensors, `args` or `cfg`
    /// of fair-esm.
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// The path of the first file, for messages.
    pub fn path(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |file| &file.path)
    }

    /// Hands the bytes of a tensor to `f`: little-endian, row-major, without gaps; copied only when strides demand it.
    ///
    /// The mapped pages go back to the system afterwards, so that loading tensor by tensor peaks near the size of the
    /// loaded weights and not at twice that.
    ///
    /// # Errors
    /// There is no tensor of that name.
    pub fn with_bytes<R>(&self, name: &str, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let missing = || Error::weights(self.path(), Problem::NoTensor { name: name.to_owned() });
        let info = self.tensors.get(name).ok_or_else(missing)?;
        let mapping = &self.files.get(info.file).ok_or_else(missing)?.mapping;
        let span = mapping.bytes().get(info.span.clone()).ok_or_else(missing)?;
        let result = if info.is_contiguous() { f(span) } else { f(&info.gather(span)) };
        mapping.release(info.span.clone());
        Ok(result)
    }

    /// XXH3-128 over names, dtypes, shapes and bytes of all tensors, as 32 hexadecimal digits.
    ///
    /// The same tensors under the same names give the same fingerprint in every file format and sharding.
    ///
    /// # Errors
    /// As for [`Checkpoint::with_bytes`].
    pub fn fingerprint(&self) -> Result<String> {
        let mut hasher = Xxh3::new();
        for (name, info) in &self.tensors {
            hasher.update(format!("{name}\0{}{:?}\0", info.dtype, info.shape).as_bytes());
            self.with_bytes(name, |bytes| hasher.update(bytes))?;
        }
        Ok(format!("{:032x}", hasher.digest128()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::tests::two_tensors;

    fn checkpoint() -> Checkpoint {
        Checkpoint::from_bytes(Path::new("m.safetensors"), two_tensors()).unwrap()
    }

    #[test]
    fn threads_can_share_a_checkpoint() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&checkpoint());
    }

    #[test]
    fn tensors_are_sorted_and_readable() {
        let checkpoint = checkpoint();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((checkpoint.len(), checkpoint.is_empty(), checkpoint.total_bytes()), (2, false, 12));
        assert_eq!(checkpoint.with_bytes("b", <[u8]>::to_vec).unwrap(), [8, 9, 10, 11]);
        assert_eq!(checkpoint.with_bytes("c", |_| ()).unwrap_err().to_string(), "m.safetensors: no tensor `c`");
    }

    #[test]
    fn merge_of_a_name_that_is_there_already_changes_nothing() {
        let mut checkpoint = checkpoint();
        let other = Checkpoint::from_bytes(Path::new("other.safetensors"), two_tensors()).unwrap();
        let message = "m.safetensors: tensor `a` is also in other.safetensors";
        assert_eq!(checkpoint.merge(other).unwrap_err().to_string(), message);
        assert_eq!(checkpoint.len(), 2);
    }

    #[test]
    fn merge_of_other_names() {
        let mut checkpoint = checkpoint();
        let mut other = Checkpoint::from_bytes(Path::new("other.safetensors"), two_tensors()).unwrap();
        other.rename(|name| Some(format!("contact.{name}"))).unwrap();
        checkpoint.merge(other).unwrap();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b", "contact.a", "contact.b"]);
        assert_eq!(checkpoint.with_bytes("contact.b", <[u8]>::to_vec).unwrap(), [8, 9, 10, 11]);
    }

    #[test]
    fn rename_of_two_tensors_to_one_name_changes_nothing() {
        let mut checkpoint = checkpoint();
        let error = checkpoint.rename(|_| Some("x".into())).unwrap_err();
        assert_eq!(error.to_string(), "m.safetensors: tensors `a` and `b` are both renamed to `x`");
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn rename_can_swap_and_keep() {
        let mut checkpoint = checkpoint();
        checkpoint.rename(|name| (name == "a").then(|| "z".into())).unwrap();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["b", "z"]);
        assert_eq!(checkpoint.info("z").map(|info| info.shape.clone()), Some(vec![2]));
    }

    #[test]
    fn fingerprint_depends_on_names_and_bytes() {
        let first = checkpoint().fingerprint().unwrap();
        assert_eq!(first.len(), 32);
        assert_eq!(first, checkpoint().fingerprint().unwrap());
        let mut renamed = checkpoint();
        renamed.rename(|name| (name == "a").then(|| "z".into())).unwrap();
        assert_ne!(first, renamed.fingerprint().unwrap());
        let mut bytes = two_tensors();
        *bytes.last_mut().unwrap() ^= 1;
        assert_ne!(first, Checkpoint::from_bytes(Path::new("m.safetensors"), bytes).unwrap().fingerprint().unwrap());
    }
}
