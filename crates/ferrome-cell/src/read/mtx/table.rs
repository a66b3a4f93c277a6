use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::{StringArray, StringBuilder};
use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// A line longer than this is no line.
const LONGEST: u64 = 1 << 20;

/// Opens a text file, gzipped or not.
pub(super) fn text(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let mut file = BufReader::with_capacity(1 << 17, fs_err::File::open(path)?);
    if file.fill_buf()?.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}

/// The columns of a table without a header; a line that has fewer is filled up with empty fields.
pub(super) fn columns(path: &Path) -> Result<Vec<StringArray>> {
    let separator = if path.to_string_lossy().contains(".csv") { ',' } else { '\t' };
    let mut text = text(path)?;
    let mut columns: Vec<StringBuilder> = vec![StringBuilder::new()];
    let (mut line, mut rows) = (Vec::new(), 0usize);
    loop {
        line.clear();
        let read = text.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        let length = read.map_err(|error| Error::file(path, format!("line {}: {error}", rows + 1)))?;
        if length == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\n', '\r']);
        let mut fields = line.split(separator);
        for column in &mut columns {
            column.append_value(fields.next().unwrap_or_default());
        }
        for field in fields {
            let mut column = StringBuilder::new();
            (0..rows).for_each(|_| column.append_value(""));
            column.append_value(field);
            columns.push(column);
        }
        rows += 1;
    }
    Ok(columns.iter_mut().map(StringBuilder::finish).collect())
}
