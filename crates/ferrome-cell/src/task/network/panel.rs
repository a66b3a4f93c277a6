//! The genes of a network, and what the cells say before they are computed.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray};

use crate::read::tokens::{TokenCell, TokenReader};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// The genes of a network, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Panel {
    tokens: Vec<i32>,
    ids: Vec<String>,
    places: HashMap<i32, u32>,
}

impl Panel {
    fn new(genes: impl IntoIterator<Item = (i32, String)>) -> Self {
        let (tokens, ids): (Vec<i32>, Vec<String>) = genes.into_iter().unzip();
        let places = (0..).zip(&tokens).map(|(place, &token)| (token, place)).collect();
        Self { tokens, ids, places }
    }

    /// All genes of a vocabulary.
    #[must_use]
    pub fn all(vocabulary: &Vocabulary) -> Self {
        Self::new(vocabulary.genes().iter().map(|gene| (gene.token, gene.id.clone())))
    }

    /// The genes with these names (keys of the vocabulary, or symbols that it knows), each once; names that are no genes come
    /// beside.
    #[must_use]
    pub fn named(vocabulary: &Vocabulary, names: &[String]) -> (Self, Vec<String>) {
        let (mut genes, mut unknown, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for name in names {
            let place = vocabulary.find(name).or_else(|| vocabulary.find(vocabulary.id_of_symbol(name)?));
            match place.and_then(|place| vocabulary.genes().get(place as usize)) {
                Some(gene) if seen.insert(gene.token) => genes.push((gene.token, gene.id.clone())),
                Some(_) => {}
                None => unknown.push(name.clone()),
            }
        }
        (Self::new(genes), unknown)
    }

    /// The genes that most cells have, at most `most` of them; among equals the first of the vocabulary.
    #[must_use]
    pub fn frequent(vocabulary: &Vocabulary, survey: &Survey, most: usize) -> Self {
        let cells = |token: i32| survey.cells_with.get(&token).copied().unwrap_or(0);
        let mut genes: Vec<_> = vocabulary.genes().iter().filter(|gene| cells(gene.token) > 0).collect();
        genes.sort_by_key(|gene| std::cmp::Reverse(cells(gene.token)));
        Self::new(genes.into_iter().take(most).map(|gene| (gene.token, gene.id.clone())))
    }

    /// Number of genes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The token of each gene.
    #[must_use]
    pub fn tokens(&self) -> &[i32] {
        &self.tokens
    }

    /// The key of each gene in the vocabulary.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The number of the gene with this token, if it is in the panel.
    #[must_use]
    pub fn place(&self, token: i32) -> Option<u32> {
        self.places.get(&token).copied()
    }
}

/// What one pass over a table of tokens says.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Cells that have tokens.
    pub cells: u64,
    /// Cells without, and the reason of the first.
    pub rejected: (u64, Option<String>),
    /// Cells of each condition, where a column was asked for.
    pub conditions: BTreeMap<String, u64>,
    /// For each token the cells that have it.
    cells_with: HashMap<i32, u64>,
}

/// Reads a table of tokens once: which genes cells have, and which conditions there are.
///
/// # Errors
///
/// The table cannot be read; it has no such column.
pub fn survey(reader: TokenReader, condition: Option<&str>) -> Result<Survey> {
    if let Some(column) = condition {
        let obs = &reader.header().obs;
        obs.column_with_name(column).ok_or_else(|| Error::no_obs_column(column, obs))?;
    }
    let mut survey = Survey::default();
    for cell in reader {
        let cell = cell?;
        match &cell.tokens {
            Ok(tokens) if !tokens.is_empty() => {
                survey.cells += 1;
                tokens.iter().for_each(|&token| *survey.cells_with.entry(token).or_default() += 1);
                if let Some(condition) = condition.and_then(|column| text(&cell, column)) {
                    *survey.conditions.entry(condition).or_default() += 1;
                }
            }
            other => {
                survey.rejected.0 += 1;
                let reason = other.as_ref().err().cloned().unwrap_or_else(|| "no tokens".to_owned());
                survey.rejected.1.get_or_insert(format!("row {}: {reason}", cell.row));
            }
        }
    }
    Ok(survey)
}

/// What a column of obs says of a cell, as text.
pub(super) fn text(cell: &TokenCell, column: &str) -> Option<String> {
    let column = arrow::compute::cast(cell.obs.column_by_name(column)?, &arrow::datatypes::DataType::Utf8).ok()?;
    let column = column.as_string::<i32>();
    column.is_valid(cell.place).then(|| column.value(cell.place).to_owned())
}
