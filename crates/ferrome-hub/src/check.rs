//! Sizes and checksums: what a file should be, and what it is.

use std::{io::Read, path::Path};

use fs_err::File;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// What a file should be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Expected {
    pub(crate) bytes: u64,
    /// SHA-256: of large files the server names it, of some the registry knows it.
    pub(crate) sha256: Option<String>,
    /// What the server names small files by: git's SHA-1 of the file as a blob; a mirror may name the file's own.
    pub(crate) sha1: Option<String>,
}

impl Expected {
    /// What a server says of a file by its size and its ETag, which is a checksum on the hub and may be anything elsewhere.
    pub(crate) fn of_server(bytes: u64, etag: &str) -> Self {
        let hexadecimal = etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        let named = |length: usize| (hexadecimal && etag.len() == length).then(|| etag.to_ascii_lowercase());
        Self { bytes, sha256: named(64), sha1: named(40) }
    }
}

/// Checksums of what has come so far.
pub(crate) struct Received {
    bytes: u64,
    sha256: Option<Sha256>,
    git: Option<Sha1>,
    plain: Option<Sha1>,
}

impl Received {
    pub(crate) fn new(expected: &Expected) -> Self {
        let git = expected.sha1.as_ref().map(|_| Sha1::new_with_prefix(format!("blob {}\0", expected.bytes)));
        Self {
            bytes: 0,
            sha256: expected.sha256.as_ref().map(|_| Sha256::new()),
            git,
            plain: expected.sha1.as_ref().map(|_| Sha1::new()),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if let Some(sha) = &mut self.sha256 {
            sha.update(bytes);
        }
        for sha in [&mut self.git, &mut self.plain].into_iter().flatten() {
            sha.update(bytes);
        }
    }

    /// Takes all that a file holds, and calls `seen` with the number of bytes of each piece.
    pub(crate) fn push_file(&mut self, file: &mut File, mut seen: impl FnMut(u64)) -> Result<()> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer)?;
            match buffer.get(..count) {
                Some(bytes) if !bytes.is_empty() => {
                    self.push(bytes);
                    seen(count as u64);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Refuses what is not as expected; `url` is for the message.
    pub(crate) fn compare(self, expected: &Expected, url: &str) -> Result<()> {
        if self.bytes != expected.bytes {
            return Err(Error::WrongSize { url: url.to_owned(), expected: expected.bytes, found: self.bytes });
        }
        let wrong = |kind, expected: &str, found| Error::WrongChecksum {
            url: url.to_owned(),
            kind,
            expected: expected.to_owned(),
            found,
        };
        if let (Some(expected), Some(sha)) = (&expected.sha256, self.sha256) {
            let found = hex(&sha.finalize());
            if found != *expected {
                return Err(wrong("sha256", expected, found));
            }
        }
        if let (Some(expected), Some(git), Some(plain)) = (&expected.sha1, self.git, self.plain) {
            let found = hex(&git.finalize());
            if found != *expected && hex(&plain.finalize()) != *expected {
                return Err(wrong("git sha1", expected, found));
            }
        }
        Ok(())
    }
}

/// Compares a file on disk.
pub(crate) fn check_file(path: &Path, expected: &Expected) -> Result<()> {
    let mut received = Received::new(expected);
    received.push_file(&mut File::open(path)?, |_| {})?;
    received.compare(expected, &path.display().to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    // `printf abc | git hash-object --stdin`, and the SHA-1 of the three bytes.
    const GIT_OF_ABC: &str = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
    const SHA1_OF_ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    fn compare(bytes: u64, etag: &str) -> Result<()> {
        let expected = Expected::of_server(bytes, etag);
        let mut received = Received::new(&expected);
        received.push(b"a");
        received.push(b"bc");
        received.compare(&expected, "x")
    }

    #[test]
    fn etags_that_are_checksums_are_checked_and_others_are_not() {
        for etag in [SHA256_OF_ABC, GIT_OF_ABC, SHA1_OF_ABC, "900150983cd24fb0d6963f7d28e17f72", "anything-at-all"] {
            compare(3, etag).unwrap();
        }
    }

    #[test]
    fn wrong_size_and_wrong_checksums() {
        let refused = |bytes, etag: &str| compare(bytes, etag).unwrap_err().to_string();
        assert_eq!(refused(4, "e"), "x: has 3 bytes, expected 4; nothing of it was kept");
        let other = SHA256_OF_ABC.replace("ba78", "0000");
        let expected = format!("x: has sha256 {SHA256_OF_ABC}, expected {other}; nothing of it was kept");
        assert_eq!(refused(3, &other), expected);
        let other = GIT_OF_ABC.replace("f2ba", "0000");
        let expected = format!("x: has git sha1 {GIT_OF_ABC}, expected {other}; nothing of it was kept");
        assert_eq!(refused(3, &other), expected);
    }
}
