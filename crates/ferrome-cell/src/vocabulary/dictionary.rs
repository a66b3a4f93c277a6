//! Dictionaries of genes in the forms people have: pickles, JSON, one name per line, tables with tabs or commas.

mod table;

use std::io::Read;
use std::path::{Path, PathBuf};

use ferrome_core::weights::Value;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::pairs::Pairs;
use super::published;
use crate::{Error, Result};

/// No dictionary of genes is larger.
const LARGEST: u64 = 256 << 20;

/// The start of a Git LFS pointer, whatever its version.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// What a name leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A token.
    Int(i64),
    /// A median.
    Float(f64),
    /// Another name.
    Text(String),
}

/// Names with what they lead to, in the order of the file.
#[derive(Clone, Debug)]
pub struct Dictionary {
    /// Where it was read from.
    pub path: PathBuf,
    /// The size of the file.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Names and values.
    pub entries: Vec<(String, Scalar)>,
}

/// Reads a dictionary, plain or gzip; its form is recognised by its content.
///
/// A file with one name per line gives each name the number of its line, from 0.
///
/// # Errors
///
/// The file cannot be read, is a Git LFS pointer, or holds something else; a pickle that asks for anything but plain data
/// is refused, and nothing in it is executed.
pub fn open(path: &Path) -> Result<Dictionary> {
    let bytes = bytes(path)?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let size = bytes.len() as u64;
    let entries = entries(&unpack(bytes).map_err(|reason| Error::file(path, reason))?);
    let entries = entries.map_err(|reason| Error::file(path, reason))?;
    Ok(Dictionary { path: path.to_owned(), bytes: size, sha256, entries })
}

/// The content of a file that is no Git LFS pointer.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let file = fs_err::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Error::file(path, "is a folder, expected a file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::file(path, "has more than 256 MiB, which no dictionary of genes has"));
    }
    match pointer(&bytes) {
        Some(reason) => Err(Error::file(path, reason)),
        None => Ok(bytes),
    }
}

fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(bytes.as_slice()).take(LARGEST + 1).read_to_end(&mut plain);
    read.map_err(|_| "truncated or damaged gzip file")?;
    if plain.len() as u64 > LARGEST {
        return Err("has more than 256 MiB, which no dictionary of genes has".to_owned());
    }
    Ok(plain)
}

/// Names and values in the bytes of a dictionary; the reason when they are none.
///
/// # Errors
///
/// One line without the name of the file.
pub fn entries(bytes: &[u8]) -> Result<Vec<(String, Scalar)>, String> {
    match bytes.first() {
        None => Err("the file is empty".to_owned()),
        Some(0x80) => pickle(bytes),
        Some(b'{') => json(bytes),
        _ => table::read(bytes),
    }
}

fn pickle(bytes: &[u8]) -> Result<Vec<(String, Scalar)>, String> {
    let value = Value::from_pickle(bytes).map_err(|problem| problem.to_string())?;
    let Value::Dict(items) = value else {
        return Err("the pickle holds something else than a dictionary".to_owned());
    };
    let mut entries = Vec::with_capacity(items.len());
    for (name, value) in items {
        let Value::Str(name) = name else {
            return Err(format!("a key of the dictionary is no text, after {} entries", entries.len()));
        };
        let value = match value {
            Value::Int(number) => i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Int),
            Value::Float(number) => Scalar::Float(number),
            Value::Str(text) => Scalar::Text(text),
            _ => return Err(format!("`{name}` leads to something else than a number or text")),
        };
        entries.push((name, value));
    }
    Ok(entries)
}

fn json(bytes: &[u8]) -> Result<Vec<(String, Scalar)>, String> {
    let pairs: Pairs<serde_json::Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let scalar = |(name, value): (String, serde_json::Value)| {
        let value = match &value {
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Some(Scalar::Int(whole)),
                None => number.as_f64().map(Scalar::Float),
            },
            serde_json::Value::String(text) => Some(Scalar::Text(text.clone())),
            _ => None,
        };
        value
            .map(|value| (name.clone(), value))
            .ok_or_else(|| format!("`{name}` leads to something else than a number or text"))
    };
    pairs.0.into_iter().map(scalar).collect()
}

/// Names the file that a Git LFS pointer stands for.
fn pointer(bytes: &[u8]) -> Option<String> {
    if !bytes.starts_with(LFS_POINTER) {
        return None;
    }
    let head = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes));
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim).to_owned();
    let (oid, size) = (field("oid sha256:"), field("size "));
    let stands_for = match published::by_sha256(&oid) {
        Some(file) => format!("{file} of {} bytes", file.bytes),
        None => format!("{size} bytes (sha256 {oid})"),
    };
    Some(format!("is a Git LFS pointer, not the file itself: it stands for {stands_for}; `git lfs pull` fetches it"))
}

/// The first bytes as a message shows them.
pub(super) fn quote(bytes: &[u8]) -> String {
    format!("`{}`", bytes.get(..8).unwrap_or(bytes).escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    #[test]
    fn pickle_of_numbers_and_text() {
        let read = entries(b"\x80\x04}(\x8c\x05<pad>K\0\x8c\x01aG?\xf8\0\0\0\0\0\0\x8c\x01b\x8c\x01cu.").unwrap();
        let expected = [("<pad>", Scalar::Int(0)), ("a", Scalar::Float(1.5)), ("b", text("c"))];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn json_keeps_its_order() {
        let read = entries(br#"{"b": 1, "a": 2.5, "c": "d"}"#).unwrap();
        let expected = [("b", Scalar::Int(1)), ("a", Scalar::Float(2.5)), ("c", text("d"))];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn bytes_that_are_no_dictionary() {
        for (bytes, expected) in [
            (b"".as_slice(), "the file is empty"),
            (b"\x80\x04]\x94.", "the pickle holds something else than a dictionary"),
            (b"\x80\x04cos\nsystem\n.", "refused pickle global `os.system`"),
            (b"\x80\x04}\x94\x8c\x01aNs.", "`a` leads to something else than a number or text"),
            (b"\x80\x04}\x94K\x01K\x01s.", "a key of the dictionary is no text, after 0 entries"),
            (b"\x80\x04}\x94\x8c\x05<pa", "damaged pickle at byte 6: it ends early"),
            (b"{\"a\": []}", "`a` leads to something else than a number or text"),
            (b"{\"a\": 1, \"a\": 2}", "`a` is given twice at line 1 column 16"),
        ] {
            assert_eq!(entries(bytes).unwrap_err(), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn pointer_of_a_published_file_is_named() {
        let oid = "a51c53f6a771d64508dfaf61529df70e394c53bd20856926117ae5d641a24bf5";
        let bytes = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1512661\n");
        assert_eq!(
            pointer(bytes.as_bytes()).unwrap(),
            "is a Git LFS pointer, not the file itself: it stands for Geneformer V2's gene_median_dictionary_gc104M.pkl \
             of 1512661 bytes; `git lfs pull` fetches it"
        );
        assert_eq!(
            pointer(b"version https://git-lfs.github.com/spec/v1\noid sha256:12ab\nsize 7\n").unwrap(),
            "is a Git LFS pointer, not the file itself: it stands for 7 bytes (sha256 12ab); `git lfs pull` fetches it"
        );
    }
}
