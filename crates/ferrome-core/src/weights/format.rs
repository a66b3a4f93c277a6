use std::collections::BTreeMap;
use std::path::Path;

use super::{Problem, TensorInfo, Value, archive, legacy, safetensors};

/// First bytes of a Git LFS pointer file, by <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// First bytes of formats that are not weights for Ferrome.
const FOREIGN_STARTS: [(&[u8], &str); 5] = [
    (b"\x89HDF\r\n\x1a\n", "the HDF5 format of TensorFlow and Keras"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "the GGUF format"),
    (b"<", "an HTML or XML page, perhaps a failed download,"),
    (b"{", "a JSON file"),
];

/// Extensions of formats that are not weights for Ferrome.
const FOREIGN_EXTENSIONS: [(&str, &str); 5] = [
    ("h5", "the HDF5 format of TensorFlow and Keras"),
    ("keras", "the Keras format"),
    ("msgpack", "the MessagePack format of Flax"),
    ("onnx", "the ONNX format"),
    ("npz", "a NumPy archive"),
];

/// What one file holds.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) tensors: BTreeMap<String, TensorInfo>,
    /// Always a dictionary.
    pub(super) metadata: Value,
}

/// Recognises the format by content, then by extension, and lists the tensors.
pub(super) fn list(bytes: &[u8], path: &Path) -> Result<Listing, Problem> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    refuse_pointer(bytes)?;
    if let Some((_, format)) = FOREIGN_EXTENSIONS.iter().find(|(name, _)| *name == extension) {
        return Err(Problem::Unsupported { format });
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(archive::list(bytes)?);
    }
    if extension == "safetensors" || bytes.get(8) == Some(&b'{') {
        return Ok(safetensors::list(bytes)?);
    }
    if bytes.first() == Some(&0x80) {
        return Ok(legacy::list(bytes)?);
    }
    match FOREIGN_STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, format)) => Err(Problem::Unsupported { format }),
        None => Err(Problem::Unknown { start: bytes.get(..8).unwrap_or(bytes).escape_ascii().to_string() }),
    }
}

/// Says how to fetch the weights when the file is a Git LFS pointer.
pub(super) fn refuse_pointer(bytes: &[u8]) -> Result<(), Problem> {
    if !bytes.starts_with(LFS_POINTER) {
        return Ok(());
    }
    let head = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).into_owned();
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    Err(Problem::LfsPointer { pointer: bytes.len(), size: field("size "), oid: field("oid ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(path: &str, bytes: &[u8], expected: &str) {
        assert_eq!(list(bytes, Path::new(path)).unwrap_err().to_string(), expected);
    }

    #[test]
    fn formats_that_are_not_supported() {
        let expected = "is not supported, expected .safetensors or a PyTorch .bin, .pt or .pth file";
        let hdf5 = format!("the HDF5 format of TensorFlow and Keras {expected}");
        refused("tf_model.h5", b"anything", &hdf5);
        refused("blob", b"\x89HDF\r\n\x1a\n...", &hdf5);
        refused("flax_model.msgpack", b"\x84", &format!("the MessagePack format of Flax {expected}"));
        refused("a.npy", b"\x93NUMPY\x01\0", &format!("a NumPy array {expected}"));
        refused("model.pt", b"<!DOCTYPE html>", &format!("an HTML or XML page, perhaps a failed download, {expected}"));
    }

    #[test]
    fn unknown_bytes_are_shown() {
        let message = "neither a safetensors nor a PyTorch file, it starts with `\\x00\\x01hello `";
        refused("model.pt", b"\0\x01hello world", message);
    }

    #[test]
    fn empty_bytes() {
        refused("model.pt", b"", "the file is empty");
    }

    #[test]
    fn git_lfs_pointer() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2609507480\n";
        refused(
            "model.safetensors",
            pointer,
            "is a Git LFS pointer of 75 bytes to 2609507480 bytes of weights (sha256:4d7a), `git lfs pull` fetches them",
        );
    }
}
