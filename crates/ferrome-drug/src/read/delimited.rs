use std::io::{BufRead, Cursor, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::columns::Places;
use super::{Columns, Entry, Source, input};
use crate::{Error, Result};

/// The rows of a CSV or TSV file.
pub(super) struct Rows {
    reader: csv::Reader<Box<dyn Read + Send>>,
    path: PathBuf,
    places: Places,
    fields: usize,
    rows: u64,
    record: ByteRecord,
}

impl Rows {
    pub(super) fn new(reader: Box<dyn BufRead + Send>, path: &Path, columns: &Columns) -> Result<Self> {
        let (head, reader) = head(reader, path)?;
        let delimiter = delimiter(&head);
        let whole: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(reader));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(whole);
        let header = reader.byte_headers().map_err(|error| input::unreadable(path, &error))?;
        let names: Vec<String> = header.iter().map(|name| text(name.trim_ascii())).collect();
        let places = columns.find(&names, path)?;
        Ok(Self { reader, path: path.to_owned(), places, fields: names.len(), rows: 0, record: ByteRecord::new() })
    }

    fn entry(&self) -> Entry {
        let field = |place: usize| self.record.get(place).map(|bytes| text(bytes.trim_ascii()));
        let id = self.places.id.and_then(field).filter(|id| !id.is_empty()).unwrap_or_else(|| self.rows.to_string());
        let source = if self.record.len() == self.fields {
            Source::Smiles(field(self.places.smiles).unwrap_or_default())
        } else {
            Source::Missing(format!("expected {} fields, found {}", self.fields, self.record.len()))
        };
        Entry { id, source }
    }
}

impl Iterator for Rows {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                self.rows += 1;
                Some(Ok(self.entry()))
            }
            Err(error) => Some(Err(input::unreadable(&self.path, &error))),
        }
    }
}

/// The first line, without a byte order mark, and what is behind it.
pub(super) fn head(mut reader: Box<dyn BufRead + Send>, path: &Path) -> Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    let mut head = Vec::new();
    let read = reader.by_ref().take(1 << 20).read_until(b'\n', &mut head);
    read.map_err(|error| input::unreadable(path, &error))?;
    if head.trim_ascii().is_empty() {
        return Err(Error::file(path, "expected a header with the names of the columns, found an empty line or file"));
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(head);
    Ok((head, reader))
}

/// The candidate that the header has most of; a comma when it has none.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    let count = |candidate: u8| header.iter().filter(|&&byte| byte == candidate).count();
    [b';', b'\t', b','].into_iter().max_by_key(|&candidate| count(candidate)).unwrap_or(b',')
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &'static str) -> Vec<(String, Source)> {
        let rows = Rows::new(Box::new(content.as_bytes()), Path::new("x.csv"), &Columns::default()).unwrap();
        rows.map(|row| row.unwrap()).map(|row| (row.id, row.source)).collect()
    }

    #[test]
    fn delimiters_quotes_and_byte_order_marks_are_understood() {
        let expected = [("a".to_owned(), Source::Smiles("CC".into())), ("b".to_owned(), Source::Smiles("C".into()))];
        for content in [
            "id,smiles\na,CC\nb,C\n",
            "\u{feff}ID\tname\tSMILES\r\na\tx,y\tCC\r\nb\t\"\"\tC",
            "smiles;id\n\"CC\";a\nC;b\n",
            "id,note,smiles\na,\"two\nlines, one field\",CC\nb,,C\n",
        ] {
            assert_eq!(read(content), expected, "{content:?}");
        }
    }

    #[test]
    fn ragged_row_stays_with_its_reason() {
        let found = read("id,smiles\na\nb,CC,N\n,O\n");
        assert_eq!(found[0], ("a".into(), Source::Missing("expected 2 fields, found 1".into())));
        assert_eq!(found[1], ("b".into(), Source::Missing("expected 2 fields, found 3".into())));
        assert_eq!(found[2], ("3".into(), Source::Smiles("O".into())));
    }

    #[test]
    fn file_without_a_header_is_refused() {
        let error = Rows::new(Box::new(&b"\n"[..]), Path::new("x.csv"), &Columns::default()).err().unwrap();
        assert_eq!(
            error.to_string(),
            "x.csv: expected a header with the names of the columns, found an empty line or file"
        );
    }
}
