//! The list of barcodes that are counted.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use hashbrown::HashSet;

use crate::{Error, Result};

/// Barcodes, with or without `-1` behind them.
#[derive(Clone, Debug, Default)]
pub struct Whitelist(Arc<Lists>);

#[derive(Debug, Default)]
struct Lists {
    /// As they are listed.
    listed: HashSet<Vec<u8>>,
    /// Without what follows their first `-`.
    bare: HashSet<Vec<u8>>,
}

impl Whitelist {
    /// Reads the first column of a file, plain or gzip: `barcodes.tsv` of Cell Ranger, 10x's lists, UMI-tools' output.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no barcode.
    pub fn read(path: &Path) -> Result<Self> {
        let mut reader = BufReader::new(fs_err::File::open(path)?);
        let compressed = reader.fill_buf()?.starts_with(b"\x1f\x8b");
        let list = if compressed { parse(MultiGzDecoder::new(reader)) } else { parse(reader) };
        let list = list.map_err(|error| Error::file(path, format!("cannot be read as a list of barcodes: {error}")))?;
        if list.listed.is_empty() {
            return Err(Error::file(path, "holds no barcode"));
        }
        Ok(Self(Arc::new(list)))
    }

    /// Whether a barcode is in the list; where only one of the two has something like `-1` behind it, that does not count.
    #[must_use]
    pub fn holds(&self, barcode: &[u8]) -> bool {
        let bare = without_suffix(barcode);
        let suffixed = bare.len() < barcode.len();
        self.0.listed.contains(bare)
            || if suffixed { self.0.listed.contains(barcode) } else { self.0.bare.contains(bare) }
    }
}

/// A barcode without what follows its first `-`.
#[inline]
pub(super) fn without_suffix(barcode: &[u8]) -> &[u8] {
    memchr::memchr(b'-', barcode).and_then(|end| barcode.get(..end)).unwrap_or(barcode)
}

fn parse(reader: impl Read) -> io::Result<Lists> {
    let mut list = Lists::default();
    for line in BufReader::new(reader).lines() {
        let line = line?;
        let barcode = line.split(['\t', ',', ' ']).next().unwrap_or_default().trim();
        if !barcode.is_empty() {
            list.bare.insert(without_suffix(barcode.as_bytes()).to_vec());
            list.listed.insert(barcode.as_bytes().to_vec());
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barcodes_are_found_with_and_without_suffix() {
        let list = Whitelist(Arc::new(parse(b"ACGT\nTTTT-1\t7\n\r\n".as_slice()).unwrap()));
        for (barcode, held) in
            [("ACGT", true), ("ACGT-1", true), ("TTTT-1", true), ("TTTT", true), ("TTTT-2", false), ("7", false)]
        {
            assert_eq!(list.holds(barcode.as_bytes()), held, "{barcode}");
        }
    }

    #[test]
    fn empty_list_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = Whitelist::read(file.path()).unwrap_err().to_string();
        assert_eq!(message, format!("{}: holds no barcode", file.path().display()));
    }
}
