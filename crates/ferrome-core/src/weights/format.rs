use std::collections::BTreeMap;
use std::path::Path;

use super::{Problem, TensorInfo, Value, archive, legacy, safetensors};

/// First bytes of a Git LFS pointer file, by <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// First bytes of formats that are not weights for Ferrome.
const FOREIGN_STARTS: [(&[u8], &str); 3] = [
    (b"\x89HDF\r\n\x1a\n", "the HDF5 format of TensorFlow and Keras"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "the GGUF format"),
];

/// How much of a file is looked at to see whether it is text, and how much of the text a message shows.
const LOOKED_AT: usize = 512;
const SHOWN: usize = 60;

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
    refuse_text(bytes)?;
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

/// Says what the file is when it is text: no weights are, since a header length made of letters is beyond any limit.
fn refuse_text(bytes: &[u8]) -> Result<(), Problem> {
    let head = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A letter of several bytes may be cut in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return Ok(()),
    };
    let text = text.trim_start();
    if text.is_empty() || text.contains(|letter: char| letter.is_control() && !letter.is_ascii_whitespace()) {
        return Ok(());
    }
    let what = match text.as_bytes().first() {
        Some(b'<') => "an HTML or XML page",
        Some(b'{' | b'[') => "JSON",
        _ => "text",
    };
    let start = text.split(['\n', '\r']).next().unwrap_or_default().chars().take(SHOWN).collect();
    Err(Problem::Text { what, start })
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
    }

    #[test]
    fn reply_of_a_server_instead_of_weights() {
        let page = b"\n<!DOCTYPE html>\n<html class=\"\">";
        let html = "holds an HTML or XML page instead of weights, perhaps a failed download: `<!DOCTYPE html>`";
        refused("model.safetensors", page, html);
        refused("model.pt", page, html);
        let json = "holds JSON instead of weights, perhaps a failed download: `{\"error\":\"Repository not found\"}`";
        refused("model.safetensors", br#"{"error":"Repository not found"}"#, json);
        // The ninth byte is a brace, as in safetensors.
        let nested = "holds JSON instead of weights, perhaps a failed download: `{\"err\": {\"status\": 404}}`";
        refused("blob", br#"{"err": {"status": 404}}"#, nested);
        let text = "holds text instead of weights, perhaps a failed download: `Entry not found`";
        refused("pytorch_model.bin", b"\xef\xbb\xbfEntry not found\r\n", text);
        refused("model.safetensors", b"no", "holds text instead of weights, perhaps a failed download: `no`");
    }

    #[test]
    fn text_that_is_cut_within_a_letter() {
        let page = format!("{}\u{e9}", "x".repeat(LOOKED_AT - 1));
        let start = "x".repeat(SHOWN);
        let expected = format!("holds text instead of weights, perhaps a failed download: `{start}`");
        refused("model.safetensors", page.as_bytes(), &expected);
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
