//! Which pairs are trained on, which choose the epoch, and which are only ever tested on.

mod config;
mod draw;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Data;
use crate::{Error, Result};

pub use config::{Fold, SplitConfig, SplitKind};

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
