use std::path::Path;

use super::mapping::Mapping;
use super::{Checkpoint, Problem, shards};
use crate::{Error, Result};

/// File names of weights in a Hugging Face folder, in the order in which they are tried.
const FOLDER: [&str; 4] =
    ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/// Weights of other frameworks in a Hugging Face folder.
const FOREIGN: [&str; 3] = ["tf_model.h5", "flax_model.msgpack", "model.onnx"];

impl Checkpoint {
    /// Opens a `.safetensors` file, a PyTorch `.bin`, `.pt` or `.pth` file, or the `.index.json` of a sharded one.
    ///
    /// The format is recognised by content, so that the nameless blobs of a Hugging Face cache open as well.
    ///
    /// # Errors
    /// Any [`Problem`] of a file or of its shards, or an I/O error.
    pub fn open(path: &Path) -> Result<Checkpoint> {
        if path.to_string_lossy().ends_with(".index.json") { shards::open(path) } else { Checkpoint::open_file(path) }
    }

    /// Opens one file that is not a shard index.
    pub(super) fn open_file(path: &Path) -> Result<Checkpoint> {
        Checkpoint::from_mapping(path, Mapping::open(path)?)
    }

    /// Opens the weights in a folder as Hugging Face lays it out: `model.safetensors`, `model.safetensors.index.json`,
    /// `pytorch_model.bin` or `pytorch_model.bin.index.json`, whichever is there first.
    ///
    /// # Errors
    /// The folder is missing or holds none of these, or any error of [`Checkpoint::open`].
    pub fn open_folder(folder: &Path) -> Result<Checkpoint> {
        if !folder.exists() {
            return Err(Error::weights(folder, Problem::Missing));
        }
        if !folder.is_dir() {
            return Err(Error::weights(folder, Problem::NotAFolder));
        }
        match FOLDER.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
            Some(path) => Checkpoint::open(&path),
            None => Err(Error::weights(folder, nothing_found(folder))),
        }
    }
}

/// Says what was looked for, and which weights of other frameworks are there instead.
fn nothing_found(folder: &Path) -> Problem {
    let looked_for = FOLDER.map(|name| format!("`{name}`")).join(", ");
    let foreign = FOREIGN.iter().find(|name| folder.join(name).exists());
    let hint = foreign.map_or_else(String::new, |name| format!("; `{name}` is there but not supported"));
    Problem::NothingFound { looked_for, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::tests::two_tensors;

    #[test]
    fn open_without_a_file() {
        let error = Checkpoint::open(Path::new("no/model.pt")).unwrap_err();
        assert_eq!(error.to_string(), "no/model.pt: no such file or folder");
        let error = Checkpoint::open_folder(Path::new("no/folder")).unwrap_err();
        assert_eq!(error.to_string(), "no/folder: no such file or folder");
    }

    #[test]
    fn open_of_the_wrong_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let error = Checkpoint::open(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{path}: is a folder, expected a weight file"));
        let file = folder.path().join("file");
        fs_err::write(&file, "x").unwrap();
        let error = Checkpoint::open_folder(&file).unwrap_err();
        assert_eq!(error.to_string(), format!("{path}/file: is not a folder"));
    }

    #[test]
    fn open_folder_without_weights_says_what_it_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let message = format!(
            "{}: no weights in this folder, looked for `model.safetensors`, `model.safetensors.index.json`, \
             `pytorch_model.bin`, `pytorch_model.bin.index.json`",
            folder.path().display()
        );
        assert_eq!(Checkpoint::open_folder(folder.path()).unwrap_err().to_string(), message);
        fs_err::write(folder.path().join("tf_model.h5"), "x").unwrap();
        assert_eq!(
            Checkpoint::open_folder(folder.path()).unwrap_err().to_string(),
            message + "; `tf_model.h5` is there but not supported"
        );
    }

    #[test]
    fn open_folder_prefers_safetensors() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("pytorch_model.bin"), "not read").unwrap();
        fs_err::write(folder.path().join("model.safetensors"), two_tensors()).unwrap();
        assert_eq!(Checkpoint::open_folder(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn open_of_a_blob_without_extension() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), two_tensors()).unwrap();
        assert_eq!(Checkpoint::open(file.path()).unwrap().len(), 2);
    }

    #[test]
    fn open_of_an_empty_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Checkpoint::open(file.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: the file is empty", file.path().display()));
    }
}
