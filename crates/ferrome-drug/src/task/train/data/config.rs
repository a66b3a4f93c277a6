use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checkpoint::Objective;

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

impl DataConfig {
    pub(in crate::task::train) fn locate(&mut self, folder: &Path) {
        let tables = [self.drugs.as_mut().map(|t| &mut t.table), self.proteins.as_mut().map(|t| &mut t.table)];
        let files = [&mut self.pairs, &mut self.train, &mut self.validation, &mut self.test, &mut self.embeddings];
        for path in files.into_iter().filter_map(Option::as_mut).chain(tables.into_iter().flatten()) {
            *path = folder.join(&*path);
        }
    }

    pub(in crate::task::train) fn check(&self, objective: Objective, has_threshold: bool) -> Result<(), String> {
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
    pub(super) fn tables(&self) -> Vec<(&Path, &'static str)> {
        let all = [(&self.pairs, ""), (&self.train, "train"), (&self.validation, "validation"), (&self.test, "test")];
        all.into_iter().filter_map(|(path, tag)| Some((path.as_deref()?, tag))).collect()
    }
}
