//! Pairs of drug and protein with what was measured, from the tables that the configuration names.

mod entities;

use std::path::{Path, PathBuf};

use ferrome_core::fingerprint::{Fingerprint, hex};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, checkpoint::Objective, read::Frame};

pub use entities::{Protein, TrainedDrug};

/// Where pairs, drugs and proteins stand; paths are taken from the folder of the configuration.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The table of pairs, one row each; or `train`, `validation` and `test`, one table for each part.
    pub pairs: Option<PathBuf>,
    /// Pairs to train on.
    pub train: Option<PathBuf>,
    /// Pairs that choose the epoch.
    pub validation: Option<PathBuf>,
    /// Pairs that are only ever tested on.
    pub test: Option<PathBuf>,
    /// The column of drugs: SMILES, or the key of a row of `drugs`.
    pub drug: String,
    /// The column of proteins: sequences, or the key of a row of `proteins`.
    pub protein: String,
    /// The column of measured values.
    pub value: Option<String>,
    /// The column of labels: 1 or 0, true or false.
    pub label: Option<String>,
    /// The table of drugs, where pairs only refer to them.
    pub drugs: Option<DrugTable>,
    /// The table of proteins, where pairs only refer to them.
    pub proteins: Option<ProteinTable>,
    /// Embeddings of the proteins by `ferrome protein embed`, for rows of the kind `table`; looked up by the protein's key.
    pub embeddings: Option<PathBuf>,
}

/// A table of drugs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrugTable {
    /// The file.
    pub table: PathBuf,
    /// The column that pairs refer to.
    pub key: String,
    /// The column of SMILES.
    pub smiles: String,
}

/// A table of proteins.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProteinTable {
    /// The file.
    pub table: PathBuf,
    /// The column that pairs refer to.
    pub key: String,
    /// The column of sequences.
    pub sequence: String,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            pairs: None,
            train: None,
            validation: None,
            test: None,
            drug: "smiles".into(),
            protein: "sequence".into(),
            value: None,
            label: None,
            drugs: None,
            proteins: None,
            embeddings: None,
        }
    }
}

impl Default for DrugTable {
    fn default() -> Self {
        Self { table: PathBuf::new(), key: "id".into(), smiles: "smiles".into() }
    }
}

impl Default for ProteinTable {
    fn default() -> Self {
        Self { table: PathBuf::new(), key: "id".into(), sequence: "sequence".into() }
    }
}

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

impl DataConfig {
    pub(super) fn locate(&mut self, folder: &Path) {
        let tables = [self.drugs.as_mut().map(|t| &mut t.table), self.proteins.as_mut().map(|t| &mut t.table)];
        let files = [&mut self.pairs, &mut self.train, &mut self.validation, &mut self.test, &mut self.embeddings];
        for path in files.into_iter().filter_map(Option::as_mut).chain(tables.into_iter().flatten()) {
            *path = folder.join(&*path);
        }
    }

    pub(super) fn check(&self, objective: Objective, has_threshold: bool) -> Result<(), String> {
        match (&self.pairs, &self.train) {
            (None, None) => return Err("`data.pairs` is missing: the table of pairs".into()),
            (Some(_), Some(_)) => return Err("`data.pairs` and `data.train` exclude each other".into()),
            _ => {}
        }
        if objective.has_affinity() && self.value.is_none() {
            return Err("`data.value` is missing: the column of measured values".into());
        }
        if objective.has_probability() && self.label.is_none() && !(self.value.is_some() && has_threshold) {
            return Err(
                "`data.label` is missing: the column of labels (or `data.value` and `label.positive_from`)".into()
            );
        }
        Ok(())
    }

    /// The tables of pairs, with the tag of their rows where each part has its own.
    fn tables(&self) -> Vec<(&Path, &'static str)> {
        let all = [(&self.pairs, ""), (&self.train, "train"), (&self.validation, "validation"), (&self.test, "test")];
        all.into_iter().filter_map(|(path, tag)| Some((path.as_deref()?, tag))).collect()
    }
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
