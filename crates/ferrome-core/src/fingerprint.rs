//! XXH3-128 fingerprints of files and of inputs.

use std::io::Read;
use std::path::Path;

use fs_err::File;
use xxhash_rust::xxh3::Xxh3;

use crate::Result;

/// Builds one 128-bit fingerprint from several fields; each field is length-prefixed, so `ab`+`c` differs from `a`+`bc`.
///
/// ```
/// use ferrome_core::fingerprint::{Fingerprint, hex};
///
/// let identity = Fingerprint::new().field(b"MKV").field(&[0]).finish();
/// assert_ne!(identity, Fingerprint::new().field(b"MK").field(b"V\0").finish());
/// assert_eq!(hex(255), "000000000000000000000000000000ff");
/// ```
#[derive(Clone, Default)]
pub struct Fingerprint(Xxh3);

impl Fingerprint {
    /// An empty fingerprint.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the length of `bytes` and `bytes`.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        self.push(bytes);
        self
    }

    /// As [`Self::field`], in place.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The 128 bits.
    #[must_use]
    pub fn finish(&self) -> u128 {
        self.0.digest128()
    }
}

/// The identity of an input whose every byte matters to the model, such as its token ids.
#[must_use]
pub fn identity(bytes: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(bytes)
}

/// Size and content hash of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileFingerprint {
    /// Size in bytes.
    pub bytes: u64,
    /// XXH3-128 of the content.
    pub hash: u128,
}

/// Reads `path` once, in pieces of 1 MiB, and returns its size and content hash.
///
/// # Errors
///
/// The file cannot be read; the message names it.
pub fn file(path: &Path) -> Result<FileFingerprint> {
    let mut reader = File::open(path)?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
        bytes += count as u64;
    }
    Ok(FileFingerprint { bytes, hash: hasher.digest128() })
}

/// 32 lower-case hexadecimal digits.
#[must_use]
pub fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_hash_equals_hash_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(file(&path).unwrap(), FileFingerprint { bytes: 3_000_000, hash: identity(&bytes) });
    }

    #[test]
    fn file_that_is_missing_is_named() {
        let message = file(Path::new("/no/such/file")).unwrap_err().to_string();
        assert_eq!(message, "failed to open file `/no/such/file`: No such file or directory (os error 2)");
    }
}
