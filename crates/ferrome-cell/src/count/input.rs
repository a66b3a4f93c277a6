//! The bytes of a BAM or SAM file: compression is seen in the first bytes.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::num::NonZeroUsize;
use std::path::Path;

use super::bgzf::Blocks;
use crate::{Error, Result};

const BUFFER: usize = 1 << 20;

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match fs_err::File::open(path) {
        Ok(file) if file.metadata()?.is_dir() => Err(Error::file(path, "is a folder, expected a BAM or SAM file")),
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::file(path, "no such file")),
        Err(error) => Err(error.into()),
    }
}

/// The decompressed bytes of an input. Damage is an error of the kind `InvalidData`, with the reason.
pub(super) enum Input {
    Plain(BufReader<Box<dyn Read + Send>>),
    Bgzf(Box<Blocks>),
}

impl Input {
    /// Sees the compression.
    pub(super) fn new(mut reader: Box<dyn Read + Send>, threads: NonZeroUsize) -> io::Result<Self> {
        let mut head = Vec::with_capacity(16);
        reader.by_ref().take(16).read_to_end(&mut head)?;
        if let Some(reason) = foreign(&head) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let compressed = head.starts_with(b"\x1f\x8b");
        let reader = BufReader::with_capacity(BUFFER, Box::new(Cursor::new(head).chain(reader)) as Box<_>);
        Ok(if compressed { Self::Bgzf(Box::new(Blocks::new(reader, threads))) } else { Self::Plain(reader) })
    }

    /// After the last byte: whether the file says, too, that this is the end.
    pub(super) fn has_end(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Bgzf(blocks) => blocks.has_end(),
        }
    }
}

// Why this cannot be a BAM or SAM file, if its first bytes say so.
fn foreign(head: &[u8]) -> Option<String> {
    let bgzf = head.get(10..16) == Some(b"\x06\0BC\x02\0") && head.get(2..4) == Some(b"\x08\x04");
    match head {
        [] => Some("is empty".to_owned()),
        [0x1f, 0x8b, ..] if !bgzf => {
            Some("is gzip, not BGZF; `gzip -dc FILE | samtools view -b` makes a BAM file of it".to_owned())
        }
        [b'C', b'R', b'A', b'M', ..] => Some("is CRAM; `samtools view -b` makes a BAM file of it".to_owned()),
        [0x1f, 0x8b, ..] | [b'B', b'A', b'M', 1, ..] => None,
        _ if is_text(head) => None,
        _ => Some(format!(
            "is neither BAM nor SAM: expected BGZF, `BAM` or text, found `{}`",
            head.get(..4).unwrap_or(head).escape_ascii()
        )),
    }
}

/// Whether the first bytes of a file are those of a text.
pub(super) fn is_text(head: &[u8]) -> bool {
    head.iter().all(|byte| byte.is_ascii_graphic() || b" \t\r\n".contains(byte))
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Bgzf(reader) => reader.read(buffer),
        }
    }
}

impl BufRead for Input {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(reader) => reader.fill_buf(),
            Self::Bgzf(reader) => reader.fill_buf(),
        }
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        match self {
            Self::Plain(reader) => reader.consume(count),
            Self::Bgzf(reader) => reader.consume(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_named() {
        let reason = |head: &[u8]| foreign(head).unwrap();
        assert_eq!(reason(b""), "is empty");
        assert!(reason(b"\x1f\x8b\x08\0").starts_with("is gzip, not BGZF"));
        assert!(reason(b"CRAM\x03\0").starts_with("is CRAM"));
        assert_eq!(reason(b"\x89HDF\r\n"), "is neither BAM nor SAM: expected BGZF, `BAM` or text, found `\\x89HDF`");
        assert_eq!(foreign(b"BAM\x01\x10\0\0\0"), None);
        assert_eq!(foreign(b"@HD\tVN:1.6\n"), None);
    }
}
