use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::task::train::DataConfig;

/// How pairs are split.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// By what.
    pub by: SplitKind,
    /// By `column`: the column of folds.
    pub column: Option<String>,
    /// By `column`: its folds that choose the epoch.
    pub validation: Vec<Fold>,
    /// By `column`: its folds that are tested on. The others are trained on.
    pub test: Vec<Fold>,
    /// Drawn at random: the share of pairs, scaffolds' molecules, drugs or proteins that choose the epoch.
    pub validation_share: f64,
    /// Drawn at random: the share that is tested on.
    pub test_share: f64,
    /// By `saved`: a `split.json` that an earlier run wrote.
    pub saved: Option<PathBuf>,
    /// By `column`: member `i` of an ensemble chooses its epoch on the `i`-th of all folds that are not tested on.
    pub rotate: bool,
}

/// By what pairs are split.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// A column of the pairs.
    Column,
    /// One table for each part.
    Files,
    /// Pairs at random.
    Random,
    /// Scaffolds of the drugs: molecules with one scaffold stay together.
    Scaffold,
    /// Drugs: those of a part are in no other.
    ColdDrug,
    /// Proteins: those of a part are in no other.
    ColdTarget,
    /// Both: pairs between the drugs of one part and the proteins of another are left out.
    ColdBoth,
    /// Row numbers that were saved.
    Saved,
}

/// What stands in a column of folds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fold {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self {
            by: SplitKind::Random,
            column: None,
            validation: Vec::new(),
            test: Vec::new(),
            validation_share: 0.1,
            test_share: 0.1,
            saved: None,
            rotate: false,
        }
    }
}

impl std::fmt::Display for Fold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl SplitConfig {
    pub(in crate::task::train) fn locate(&mut self, folder: &Path) {
        if let Some(path) = &mut self.saved {
            *path = folder.join(&*path);
        }
    }

    pub(in crate::task::train) fn check(&self, data: &DataConfig) -> Result<(), String> {
        match self.by {
            SplitKind::Column if self.column.is_none() => {
                return Err("`split.column` is missing: the column of folds".into());
            }
            SplitKind::Column if self.validation.is_empty() && !self.rotate => {
                return Err("`split.validation` is missing: the folds that choose the epoch".into());
            }
            SplitKind::Saved if self.saved.is_none() => return Err("`split.saved` is missing: a split.json".into()),
            SplitKind::Files if data.train.is_none() || data.validation.is_none() => {
                return Err("a split by files needs `data.train` and `data.validation`".into());
            }
            _ => {}
        }
        if data.train.is_some() && self.by != SplitKind::Files {
            return Err("`data.train` and `data.validation` are a split: `split.by` must be `files`".into());
        }
        if self.rotate && self.by != SplitKind::Column {
            return Err("`split.rotate` needs a split by `column`".into());
        }
        let (validation, test) = (self.validation_share, self.test_share);
        if !(validation > 0.0 && test >= 0.0 && validation + test < 1.0) {
            return Err(format!(
                "split: validation_share {validation} and test_share {test}, expected more than 0, at least 0, and less \
                 than 1 together"
            ));
        }
        Ok(())
    }

    /// The column that [`Data::read`](super::super::Data::read) must keep.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        if self.by == SplitKind::Column { self.column.as_deref() } else { None }
    }
}
