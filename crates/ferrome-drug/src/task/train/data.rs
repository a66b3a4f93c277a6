//! Pairs of drug and protein with what was measured, from the tables that the configuration names.

mod config;
mod entities;

use std::path::{Path, PathBuf};

use crate::{Error, Result, read::Frame};
use ferrome_core::fingerprint::{Fingerprint, hex};

pub use config::{DataConfig, DrugTable, ProteinTable};
pub use entities::{Protein, TrainedDrug};

/// A pair and what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Its row in the table of pairs, counted from 0 over all tables.
    pub row: usize,
    /// Which of [`Data::drugs`].
    pub drug: usize,
    /// Which of [`Data::proteins`].
    pub protein: usize,
    /// The measured value.
    pub value: Option<f64>,
    /// Whether the two interact.
    pub positive: Option<bool>,
}

/// What there is to learn from: drugs and proteins each once, however they were written.
#[derive(Debug)]
pub struct Data {
    /// Distinct molecules, in the order in which pairs have them.
    pub drugs: Vec<TrainedDrug>,
    /// Distinct sequences, in the order in which pairs have them.
    pub proteins: Vec<Protein>,
    /// Pairs in the order of the table.
    pub pairs: Vec<Pair>,
    /// Rows of the table of pairs.
    pub rows: usize,
    /// Rows that were left out (counted from 0), with the reason.
    pub left_out: Vec<(usize, String)>,
    /// For every row, what stands in the column of the split, or which of the three tables it is from.
    pub(super) tags: Vec<String>,
    /// The files, with a digest of their bytes.
    pub files: Vec<(PathBuf, String)>,
}

/// A row of the table of pairs as it stands there.
struct Row {
    drug: String,
    protein: String,
    value: String,
    label: String,
    tag: String,
}

impl Data {
    /// Reads the tables; `tag` is the column by which pairs are split, `positive_from` makes labels of values.
    ///
    /// # Errors
    ///
    /// A file cannot be read or lacks a column; no row can be used.
    pub fn read(config: &DataConfig, tag: Option<&str>, positive_from: Option<f64>) -> Result<Self> {
        let mut rows = Vec::new();
        let mut files = Vec::new();
        for (path, part) in config.tables() {
            let frame = Frame::open(path)?;
            rows.extend(read_rows(config, &frame, tag, part)?);
            files.push(path.to_owned());
        }
        files.extend(config.drugs.as_ref().map(|t| t.table.clone()));
        files.extend(config.proteins.as_ref().map(|t| t.table.clone()));
        files.extend(config.embeddings.clone());
        let digest = |path: PathBuf| {
            let content = ferrome_core::fingerprint::file(&path)?;
            Ok((path, hex(content.hash)))
        };
        let files = files.into_iter().map(digest).collect::<Result<Vec<_>>>()?;
        let mut data = entities::resolve(config, &rows, positive_from)?;
        (data.tags, data.files) = (rows.into_iter().map(|row| row.tag).collect(), files);
        if data.pairs.is_empty() {
            let path = config.tables().first().map_or(Path::new(""), |table| table.0);
            let why = data.left_out.first().map_or_else(String::new, |(row, why)| format!("; row {}: {why}", row + 1));
            return Err(Error::file(path, format!("no row can be used{why}")));
        }
        Ok(data)
    }

    /// One digest over all files.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let all = self.files.iter().fold(Fingerprint::new(), |sum, (_, digest)| sum.field(digest.as_bytes()));
        hex(all.finish())
    }

    /// What a person has to know of the rows that were left out, if any were.
    #[must_use]
    pub fn left_out_line(&self) -> Option<String> {
        let (row, why) = self.left_out.first()?;
        Some(format!("{} of {} rows were left out, the first: row {}: {why}", self.left_out.len(), self.rows, row + 1))
    }
}

fn read_rows(config: &DataConfig, frame: &Frame, tag: Option<&str>, part: &str) -> Result<Vec<Row>> {
    let needed = |name: &str, key: &str| frame.column(name, key);
    let (drugs, proteins) = (needed(&config.drug, "`data.drug`")?, needed(&config.protein, "`data.protein`")?);
    let optional = |name: &Option<String>, key: &str| name.as_deref().map(|name| needed(name, key)).transpose();
    let (values, labels) = (optional(&config.value, "`data.value`")?, optional(&config.label, "`data.label`")?);
    let tags = tag.map(|tag| needed(tag, "`split.column`")).transpose()?;
    let cell = |column: Option<&[String]>, row: usize| column.and_then(|c| c.get(row)).cloned().unwrap_or_default();
    let row = |row: usize| Row {
        drug: cell(Some(drugs), row),
        protein: cell(Some(proteins), row),
        value: cell(values, row),
        label: cell(labels, row),
        tag: if tags.is_some() { cell(tags, row) } else { part.to_owned() },
    };
    Ok((0..frame.rows()).map(row).collect())
}
