use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

const BUFFER: usize = 1 << 17;

/// Opens a file, or standard input for `-`; gzip is seen in its first bytes.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let mut reader: Box<dyn Read + Send> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(fs_err::File::open(path)?) };
    let mut head = Vec::with_capacity(2);
    reader.by_ref().take(2).read_to_end(&mut head).map_err(|error| unreadable(path, &error))?;
    let gzip = head == b"\x1f\x8b";
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(reader));
    Ok(if gzip { Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole))) } else { Box::new(whole) })
}

/// The next line without its end, as text; bytes that are not UTF-8 become `U+FFFD`. `None` at the end.
pub(super) fn line(reader: &mut dyn BufRead, bytes: &mut Vec<u8>) -> io::Result<Option<String>> {
    const LONGEST: u64 = 1 << 26;
    bytes.clear();
    if reader.take(LONGEST).read_until(b'\n', bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 == LONGEST {
        return Err(io::Error::other("a line longer than 64 MiB"));
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// The error of a file that cannot be read on.
pub(super) fn unreadable(path: &Path, error: &dyn std::error::Error) -> Error {
    let text = error.to_string();
    Error::file(path, format!("cannot be read: {}", text.lines().next().unwrap_or_default()))
}
