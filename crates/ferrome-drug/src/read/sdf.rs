use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::{Entry, Source, input};
use crate::{Error, Result};

/// The most bytes of one record: what is longer is no molecule.
const LONGEST: usize = 1 << 26;

/// The records of an SDF file.
pub(super) struct Rows {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    id_field: Option<String>,
    bytes: Vec<u8>,
    rows: u64,
}

/// A record as it is read, line by line.
#[derive(Default)]
struct Record {
    block: String,
    whole: bool,
    id: Option<String>,
    id_follows: bool,
    lines: usize,
}

impl Rows {
    pub(super) fn new(reader: Box<dyn BufRead + Send>, path: &Path, id_field: Option<&str>) -> Self {
        Self { reader, path: path.to_owned(), id_field: id_field.map(str::to_owned), bytes: Vec::new(), rows: 0 }
    }

    fn record(&mut self) -> Result<Option<Record>> {
        let mut record = Record::default();
        let mut blank = true;
        loop {
            let line = input::line(&mut self.reader, &mut self.bytes);
            let Some(line) = line.map_err(|error| input::unreadable(&self.path, &error))? else {
                return Ok((!blank).then_some(record));
            };
            if line.starts_with("$$$$") {
                return Ok(Some(record));
            }
            blank &= line.trim().is_empty();
            record.take(&line, self.id_field.as_deref());
            if record.block.len() > LONGEST {
                return Err(Error::file(&self.path, format!("record {}: longer than 64 MiB", self.rows + 1)));
            }
        }
    }

    fn entry(&mut self, record: Record) -> Entry {
        self.rows += 1;
        let title = record.block.lines().next().unwrap_or_default().trim().to_owned();
        let id = if self.id_field.is_some() { record.id } else { Some(title) };
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.rows.to_string());
        let source = if record.whole {
            Source::MolBlock(record.block)
        } else {
            Source::Missing("the mol block has no `M  END`".to_owned())
        };
        Entry { id, source }
    }
}

impl Record {
    fn take(&mut self, line: &str, id_field: Option<&str>) {
        self.lines += 1;
        if !self.whole {
            self.block.push_str(line);
            self.block.push('\n');
            self.whole = self.lines > 3 && line.starts_with("M  END");
        } else if self.id_follows {
            self.id = Some(line.trim().to_owned());
            self.id_follows = false;
        } else if let Some(field) = id_field {
            self.id_follows = self.id.is_none() && field_name(line) == Some(field);
        }
    }
}

/// The name in the header of a data field: `> 25 <name> (7)`.
fn field_name(line: &str) -> Option<&str> {
    let header = line.strip_prefix('>')?;
    let (_, name) = header.split_once('<')?;
    name.rsplit_once('>').map(|(name, _)| name.trim())
}

impl Iterator for Rows {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.record().transpose()?;
        Some(record.map(|record| self.entry(record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATER: &str = "water\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0 0.0 0.0 O   0  0\nM  END\n";

    fn read(text: String, id_field: Option<&str>) -> Vec<(String, Source)> {
        let rows = Rows::new(Box::new(std::io::Cursor::new(text)), Path::new("x.sdf"), id_field);
        rows.map(|row| row.unwrap()).map(|row| (row.id, row.source)).collect()
    }

    #[test]
    fn ids_are_titles_or_a_field() {
        let text = format!("{WATER}> 1 <CAS> (x)\n7732-18-5\n\n$$$$\n{}\n$$$$\n", WATER.replace("water", ""));
        let found = read(text.clone(), None);
        assert_eq!(found[0], ("water".into(), Source::MolBlock(WATER.into())));
        assert_eq!(found[1].0, "2");
        let found = read(text, Some("CAS"));
        assert_eq!((found[0].0.as_str(), found[1].0.as_str()), ("7732-18-5", "2"));
    }

    #[test]
    fn record_that_is_cut_stays_with_its_reason() {
        let found = read(format!("{WATER}$$$$\ncut\n\n\n  1  0"), None);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], ("cut".into(), Source::Missing("the mol block has no `M  END`".into())));
    }
}
