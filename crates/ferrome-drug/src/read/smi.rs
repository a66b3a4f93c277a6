use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::{Entry, Source, input};
use crate::Result;

/// The lines of a `.smi` file.
pub(super) struct Rows {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    bytes: Vec<u8>,
    rows: u64,
    lines: u64,
}

impl Rows {
    pub(super) fn new(reader: Box<dyn BufRead + Send>, path: &Path) -> Self {
        Self { reader, path: path.to_owned(), bytes: Vec::new(), rows: 0, lines: 0 }
    }

    fn is_header(&self, line: &str) -> bool {
        self.lines == 1 && line.split([' ', '\t', ',']).next().is_some_and(|word| word.eq_ignore_ascii_case("smiles"))
    }
}

impl Iterator for Rows {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match input::line(&mut self.reader, &mut self.bytes) {
                Ok(line) => line?,
                Err(error) => return Some(Err(input::unreadable(&self.path, &error))),
            };
            self.lines += 1;
            let line = if self.lines == 1 { line.trim_start_matches('\u{feff}') } else { &line };
            if line.trim().is_empty() || line.starts_with('#') || self.is_header(line) {
                continue;
            }
            self.rows += 1;
            let (smiles, id) = split(line);
            let id = if id.is_empty() { self.rows.to_string() } else { id.to_owned() };
            return Some(Ok(Entry { id, source: Source::Smiles(smiles.to_owned()) }));
        }
    }
}

/// The SMILES, with a CXSMILES extension if it has one, and the id.
fn split(line: &str) -> (&str, &str) {
    let line = if line.starts_with('\t') { line } else { line.trim_start() };
    let (smiles, rest) = cut(line);
    let extension = rest.trim_start();
    if extension.starts_with('|')
        && let Some(end) = extension.get(1..).and_then(|inner| inner.find('|'))
    {
        let whole = line.len() - extension.len() + end + 2;
        return (line.get(..whole).unwrap_or(line), cut(line.get(whole..).unwrap_or_default().trim_start()).0);
    }
    let tab = line.get(smiles.len()..).is_some_and(|rest| rest.starts_with('\t'));
    let id = if tab { rest.split('\t').next().unwrap_or_default().trim() } else { cut(rest.trim_start()).0 };
    (smiles, id)
}

/// The first word and what is behind the blank after it.
fn cut(text: &str) -> (&str, &str) {
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Vec<(String, String)> {
        let rows = Rows::new(Box::new(text.as_bytes()), Path::new("x.smi"));
        rows.map(|row| row.unwrap()).map(|row| (row.text().to_owned(), row.id)).collect()
    }

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(smiles, id)| (smiles.as_str(), id.as_str())).collect()
    }

    #[test]
    fn ids_stand_behind_a_blank_or_a_tab() {
        let found = read("smiles id\nCCO  ethanol more\r\n\n# no\nC\tone two\tthree\nN\n\tempty\nO |x:1| cx\n");
        let expected = [("CCO", "ethanol"), ("C", "one two"), ("N", "3"), ("", "empty"), ("O |x:1|", "cx")];
        assert_eq!(pairs(&found), expected);
    }

    #[test]
    fn file_without_lines_has_no_rows() {
        assert_eq!(read("").len() + read("\n\n").len() + read("SMILES\tName").len(), 0);
    }
}
