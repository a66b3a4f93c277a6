//! The cells of a training: their tokens, in memory, with the columns that are asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use ferrome_core::fingerprint::{Fingerprint, hex};
use hashbrown::HashSet;

use crate::model::{OpenModel, Shape, scgpt::CellTokens};
use crate::read::tokens::{self, Header, TokenCell};
use crate::task::embed;
use crate::tokenize::scgpt::Recipe;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// Cells as tokens.
#[derive(Default)]
pub struct Corpus {
    /// The tables.
    pub paths: Vec<PathBuf>,
    /// The cells that can be used, in order.
    pub cells: Vec<CorpusCell>,
    /// The vocabulary of the tokens, where ferrome wrote them: its style and fingerprint.
    pub vocabulary: Option<String>,
    /// What its tables are, where there is one.
    header: Option<Header>,
    /// Reasons why cells were left out, with their number and the first of them.
    pub left_out: Vec<(String, u64, String)>,
    digest: Fingerprint,
}

impl std::fmt::Debug for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corpus({:?}, {})", self.paths, self.fingerprint())
    }
}

/// A cell that can be used.
#[derive(Clone, Debug, Default)]
pub struct CorpusCell {
    /// Its id.
    pub id: String,
    /// Its tokens.
    pub tokens: Vec<i32>,
    /// The value of each token; none where the table has no values.
    pub values: Vec<f32>,
    /// Its value in the column of classes; empty where none was asked for.
    pub label: String,
    /// Its value in the column of groups; empty where none was asked for.
    pub group: String,
}

impl Corpus {
    /// Reads tables of tokens, one after another, with the columns `label` and `group`.
    ///
    /// # Errors
    ///
    /// A table cannot be read, lacks a column, or was made with another vocabulary than the first.
    pub fn read(paths: &[PathBuf], label: Option<&str>, group: Option<&str>) -> Result<Self> {
        let mut corpus = Self { paths: paths.to_vec(), ..Self::default() };
        for path in paths {
            let table = tokens::open(path)?;
            for column in [label, group].into_iter().flatten() {
                if table.header().obs.column_with_name(column).is_none() {
                    return Err(Error::no_obs_column(column, &table.header().obs));
                }
            }
            corpus.same_vocabulary(path, table.header().vocabulary.as_deref())?;
            corpus.same_values(path, table.header())?;
            for cell in table {
                corpus.add(cell?, label, group)?;
            }
        }
        Ok(corpus)
    }

    fn same_vocabulary(&mut self, path: &Path, found: Option<&str>) -> Result<()> {
        match (&self.vocabulary, found) {
            (Some(first), Some(found)) if first != found => Err(Error::file(
                path,
                format!("was made with the vocabulary {found}, the first table with {first}: tokenize both with one"),
            )),
            (None, Some(found)) => {
                self.vocabulary = Some(found.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn same_values(&mut self, path: &Path, found: &Header) -> Result<()> {
        let first = self.header.get_or_insert_with(|| found.clone());
        if first.values == found.values {
            return Ok(());
        }
        let [this, other] = if found.values { ["has", "has none"] } else { ["has no", "has them"] };
        Err(Error::file(path, format!("{this} `values`, and the first table {other}: tokenize both alike")))
    }

    fn add(&mut self, cell: TokenCell, label: Option<&str>, group: Option<&str>) -> Result<()> {
        let value = |column: Option<&str>| column.map(|column| text(&cell, column)).transpose();
        let (label, group) = (value(label)?, value(group)?);
        let missing = |value: &Option<Option<String>>| matches!(value, Some(None));
        let reason = match &cell.tokens {
            Err(reason) => Some(reason.clone()),
            Ok(tokens) if tokens.is_empty() => Some("no gene of the vocabulary".to_owned()),
            Ok(_) if missing(&label) => Some("no label".to_owned()),
            Ok(_) if missing(&group) => Some("no group".to_owned()),
            Ok(_) => None,
        };
        if let Some(reason) = reason {
            self.leave_out(reason, cell.id);
            return Ok(());
        }
        let value = |value: Option<Option<String>>| value.flatten().unwrap_or_default();
        let cell = CorpusCell {
            id: cell.id,
            tokens: cell.tokens.unwrap_or_default(),
            values: cell.values.unwrap_or_default(),
            label: value(label),
            group: value(group),
        };
        for part in [&cell.id, &cell.label, &cell.group] {
            self.digest.push(part.as_bytes());
        }
        self.digest.push(&cell.tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<_>>());
        if !cell.values.is_empty() {
            self.digest.push(&cell.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        }
        self.cells.push(cell);
        Ok(())
    }

    fn leave_out(&mut self, reason: String, id: String) {
        match self.left_out.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, count, _)) => *count += 1,
            None => self.left_out.push((reason, 1, id)),
        }
    }

    /// How its cells became an scGPT's tokens.
    pub(super) fn recipe(&self, vocabulary: &Vocabulary) -> Recipe {
        let seen = || {
            let tokens: HashSet<i32> = self.cells.iter().flat_map(|cell| cell.tokens.iter().copied()).collect();
            let genes = vocabulary.genes().iter().filter(|gene| tokens.contains(&gene.token));
            genes.map(|gene| gene.id.clone()).collect()
        };
        Recipe::of(self.header.as_ref().map_or(&HashMap::new(), |header| &header.metadata), seen)
    }

    /// Depends on every cell that is used, and on their order.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{} cells, xxh3 {}", self.cells.len(), hex(self.digest.finish()))
    }

    /// Whether the tokens are those of a model of this shape; those of `model` where it is trained further.
    ///
    /// # Errors
    ///
    /// Says whose tokens they are, or names the first cell with a token outside the table, with more tokens than positions
    /// (`max_length` cuts them), or without `<cls>` where an scGPT needs it.
    pub(super) fn check(&self, shape: &Shape, model: Option<&OpenModel>, max_length: Option<usize>) -> Result<()> {
        let path = self.paths.first().map_or(Path::new(""), PathBuf::as_path);
        let first: Vec<&[i32]> = self.cells.iter().take(embed::LOOK).map(|cell| cell.tokens.as_slice()).collect();
        let specials = match (model, &self.header) {
            (Some(model), Some(header)) => embed::specials(path, header, &first, model)?,
            _ => None,
        };
        let scgpt = matches!(shape, Shape::ScGpt(_));
        if scgpt && max_length.is_some() {
            let reason = "max_length is for genes by rank; scGPT's cells are sampled when they are tokenized (`ferrome cell tokenize \
                          --max-length`)";
            return Err(Error::Train(reason.into()));
        }
        if scgpt != self.header.as_ref().is_some_and(|header| header.values) && !self.cells.is_empty() {
            let [found, expected] = if scgpt { ["no ", "one for each token"] } else { ["", "none"] };
            return Err(Error::file(path, format!("holds {found}`values`; {} takes {expected}", shape.family())));
        }
        let most = shape.positions().unwrap_or(usize::MAX);
        if let Some(length) = max_length.filter(|&length| length > most || length == 0) {
            return Err(Error::Train(format!(
                "max_length is {length}, expected 1 to {most}, the positions of the model"
            )));
        }
        let cls = specials.filter(|_| scgpt).map(|specials| specials.cls);
        self.cells.iter().try_for_each(|cell| {
            fits(cell, (shape.tokens(), most, max_length), cls).map_err(|reason| {
                let id = &cell.id;
                Error::file(path, format!("cell `{id}` {reason}"))
            })
        })
    }
}

// What is wrong with a cell for a model of so many rows and positions.
fn fits(
    cell: &CorpusCell,
    (rows, most, max_length): (i64, usize, Option<usize>),
    cls: Option<i32>,
) -> Result<(), String> {
    let length = cell.tokens.len();
    if let Some(token) = cell.tokens.iter().find(|&&token| i64::from(token) >= rows || token < 0) {
        return Err(format!("has the token {token}, and the model has {rows}: they are of another vocabulary"));
    }
    if max_length.is_none() && length > most {
        return Err(format!(
            "has {length} tokens, and the model has {most} positions: --max-length {most} takes the first"
        ));
    }
    match cls.filter(|&cls| cell.tokens.first() != Some(&cls)) {
        Some(cls) => Err(format!("does not begin with `<cls>` ({cls})")),
        None => Ok(()),
    }
}

impl CorpusCell {
    /// Its first `most` tokens with their values.
    pub(super) fn first(&self, most: usize) -> CellTokens<'_> {
        let tokens = self.tokens.get(..most).unwrap_or(&self.tokens);
        CellTokens { tokens, values: self.values.get(..most).unwrap_or(&self.values) }
    }
}

/// A cell's value in a column as text; `None` where it is null or empty.
fn text(cell: &TokenCell, column: &str) -> Result<Option<String>> {
    let Some(values) = cell.obs.column_by_name(column) else { return Ok(None) };
    let one = cast(&values.slice(cell.place, 1), &DataType::Utf8)?;
    let one = one.as_string::<i32>();
    Ok((one.is_valid(0) && !one.value(0).is_empty()).then(|| one.value(0).to_owned()))
}
