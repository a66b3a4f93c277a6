//! Which pairs are trained on, which choose the epoch, and which are only ever tested on.

mod draw;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Data, DataConfig};
use crate::{Error, Result};

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

/// What a pair is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Trained on.
    Train,
    /// Chooses the epoch.
    Validation,
    /// Tested on.
    Test,
    /// Nothing.
    Unused,
}

/// Pairs (places in [`Data::pairs`]) of each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Trained on.
    pub train: Vec<usize>,
    /// Choose the epoch.
    pub validation: Vec<usize>,
    /// Tested on.
    pub test: Vec<usize>,
}

/// Row numbers of each part, counted from 0: the file `split.json`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Indices {
    train: Vec<usize>,
    validation: Vec<usize>,
    test: Vec<usize>,
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
    pub(super) fn locate(&mut self, folder: &Path) {
        if let Some(path) = &mut self.saved {
            *path = folder.join(&*path);
        }
    }

    pub(super) fn check(&self, data: &DataConfig) -> Result<(), String> {
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

    /// The column that [`Data::read`] must keep.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        if self.by == SplitKind::Column { self.column.as_deref() } else { None }
    }
}

impl Split {
    /// Splits the pairs, for the `member`-th of an ensemble.
    ///
    /// # Errors
    ///
    /// A column of folds with holes or without a fold that is named; a part without pairs; a file that is no split.
    pub fn new(config: &SplitConfig, data: &Data, seed: u64, member: usize) -> Result<Self> {
        let parts = match config.by {
            SplitKind::Column => by_column(config, data, member)?,
            SplitKind::Files => data.pairs.iter().map(|pair| named(data.tags.get(pair.row))).collect(),
            SplitKind::Saved => saved(config.saved.as_deref().unwrap_or(Path::new("")), data)?,
            _ => draw::draw(config, data, seed),
        };
        let of = |wanted: Part| {
            let places = parts.iter().enumerate().filter(|(_, part)| **part == wanted);
            places.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let split = Self { train: of(Part::Train), validation: of(Part::Validation), test: of(Part::Test) };
        for (what, pairs) in [("to train on", &split.train), ("to choose the epoch", &split.validation)] {
            if pairs.is_empty() {
                return Err(trouble(data, format!("the split leaves no pairs {what}")));
            }
        }
        Ok(split)
    }

    /// The content of `split.json`.
    #[must_use]
    pub fn json(&self, data: &Data) -> String {
        let rows = |places: &[usize]| places.iter().filter_map(|&i| Some(data.pairs.get(i)?.row)).collect();
        let indices = Indices { train: rows(&self.train), validation: rows(&self.validation), test: rows(&self.test) };
        serde_json::to_string(&indices).unwrap_or_default() + "\n"
    }
}

fn trouble(data: &Data, reason: String) -> Error {
    let path = data.files.first().map_or(Path::new(""), |(path, _)| path.as_path());
    Error::file(path, reason)
}

fn named(tag: Option<&String>) -> Part {
    match tag.map(String::as_str) {
        Some("train") => Part::Train,
        Some("validation") => Part::Validation,
        Some("test") => Part::Test,
        _ => Part::Unused,
    }
}

fn by_column(config: &SplitConfig, data: &Data, member: usize) -> Result<Vec<Part>> {
    let column = config.column.as_deref().unwrap_or_default();
    let holes: Vec<usize> = (0..data.tags.len()).filter(|&row| data.tags[row].is_empty()).collect();
    if let Some(first) = holes.first() {
        let reason = format!(
            "column `{column}` is empty in {} of {} rows, the first is row {}; every row needs a fold",
            holes.len(),
            data.tags.len(),
            first + 1
        );
        return Err(trouble(data, reason));
    }
    let mut folds: Vec<&str> = data.tags.iter().map(String::as_str).collect();
    folds.sort_unstable();
    folds.dedup();
    for fold in config.validation.iter().chain(&config.test) {
        if !folds.contains(&fold.to_string().as_str()) {
            let shown: Vec<String> = folds.iter().take(10).map(|fold| format!("`{fold}`")).collect();
            let more = if folds.len() > shown.len() { ", …" } else { "" };
            let reason = format!("no row has fold `{fold}` in column `{column}`; found {}{more}", shown.join(", "));
            return Err(trouble(data, reason));
        }
    }
    let is = |list: &[Fold], tag: &str| list.iter().any(|fold| fold.to_string() == tag);
    let trained: Vec<&str> = folds.into_iter().filter(|fold| !is(&config.test, fold)).collect();
    let turn = trained.get(member % trained.len().max(1)).copied().unwrap_or_default();
    let part = |tag: &str| match tag {
        tag if is(&config.test, tag) => Part::Test,
        tag if config.rotate && tag == turn => Part::Validation,
        tag if !config.rotate && is(&config.validation, tag) => Part::Validation,
        _ => Part::Train,
    };
    Ok(data.pairs.iter().map(|pair| data.tags.get(pair.row).map_or(Part::Unused, |tag| part(tag))).collect())
}

fn saved(path: &Path, data: &Data) -> Result<Vec<Part>> {
    let wrong = |reason: String| Error::file(path, reason);
    let text = fs_err::read_to_string(path)?;
    let indices: Indices = serde_json::from_str(&text).map_err(|e| wrong(format!("not a split: {e}")))?;
    let mut of_row = vec![Part::Unused; data.rows];
    let lists = [(indices.train, Part::Train), (indices.validation, Part::Validation), (indices.test, Part::Test)];
    for (rows, part) in lists {
        for row in rows {
            let slot = of_row.get_mut(row);
            *slot.ok_or_else(|| wrong(format!("row {row} is not among the {} rows of the pairs", data.rows)))? = part;
        }
    }
    Ok(data.pairs.iter().map(|pair| of_row.get(pair.row).copied().unwrap_or(Part::Unused)).collect())
}
