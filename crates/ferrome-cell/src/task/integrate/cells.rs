//! The cells to integrate: expression over a panel of variable genes, batches, and types where they are known.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int32Type};

use super::IntegrateConfig;
use super::ways::Ways;
use crate::cells::Cells;
use crate::genes::Matching;
use crate::read::CellReader;
use crate::tokenize::{Tokenizer, Tokens};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// Entries that are read at a time.
const BLOCK: usize = 1_000_000;

/// The cells of a study, in memory.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Ids of all cells of the input.
    pub ids: Vec<String>,
    /// For each of them its place among those that are used, or why it is not.
    pub places: Vec<Result<usize, String>>,
    /// Keys of the panel's genes in the vocabulary.
    pub genes: Vec<String>,
    /// Their tokens, in the order in which every cell has them.
    pub tokens: Vec<i32>,
    /// The token that stands first.
    pub cls: i32,
    /// Names of the batches, sorted.
    pub batches: Vec<String>,
    /// `[c]`: the batch of each cell that is used.
    pub batch: Vec<usize>,
    /// Names of the types, sorted.
    pub types: Vec<String>,
    /// `[c]`: the type of each, where it is known.
    pub kind: Vec<Option<usize>>,
    /// `[c, g]`: bins.
    pub(super) bins: Vec<f32>,
    /// `[c, g]`: logarithms of one more than the counts per ten thousand.
    pub(super) logs: Vec<f32>,
    /// `[c]`: genes that are expressed with their bins, `<cls>` first: tokens as they are without fine-tuning.
    pub(super) frozen: Vec<(Vec<i32>, Vec<f32>)>,
}

/// Where cells come from: opened anew for each pass.
pub type Open<'a> = &'a dyn Fn() -> Result<Box<dyn CellReader>>;

/// The columns of obs that are read.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Names the batches.
    pub batch: &'a str,
    /// Names the types, where they are known.
    pub label: Option<&'a str>,
}

impl Corpus {
    /// Reads all cells, up to three times: molecules of each gene, their variance, tokens.
    ///
    /// # Errors
    ///
    /// The file cannot be read, lacks a column, or has too few genes or one batch only.
    pub fn read(
        open: Open,
        (vocabulary, matching): (&Vocabulary, &Matching),
        columns: Columns,
        config: &IntegrateConfig,
    ) -> Result<Self> {
        let mut reader = open()?;
        let (obs, kind) = (reader.header().obs.clone(), reader.header().kind);
        for column in [Some(columns.batch), columns.label].into_iter().flatten() {
            obs.column_with_name(column).ok_or_else(|| Error::no_obs_column(column, &obs))?;
        }
        // Nothing is worth a pass over all cells when the genes do not match.
        matching.check(reader.next_cells(BLOCK)?.as_ref())?;
        let ways = Ways::new(open, (vocabulary, matching), columns.batch, (config, kind))?;
        let mut corpus = Self { cls: vocabulary.special("<cls>").unwrap_or_default(), ..Self::default() };
        (corpus.genes, corpus.tokens) = ways.panel(vocabulary);
        let (mut batches, mut types) = (Vec::new(), Vec::new());
        let mut reader = open()?;
        while let Some(cells) = reader.next_cells(BLOCK)? {
            corpus.add(&cells, &ways, columns, (&mut batches, &mut types))?;
        }
        (corpus.batches, corpus.types) = (distinct(&batches), distinct(&types));
        let number = |names: &[String], name: &Option<String>| names.binary_search(name.as_ref()?).ok();
        corpus.batch = batches.iter().filter_map(|name| number(&corpus.batches, name)).collect();
        corpus.kind = types.iter().map(|name| number(&corpus.types, name)).collect();
        corpus.check(columns)?;
        Ok(corpus)
    }

    /// Number of cells that are used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Bins of a cell over the panel.
    pub(super) fn bins(&self, cell: usize) -> &[f32] {
        let genes = self.genes.len();
        self.bins.get(cell * genes..(cell + 1) * genes).unwrap_or_default()
    }

    /// Why cells of the input are not used, with their number and the first of them.
    #[must_use]
    pub fn left_out(&self) -> Vec<(String, usize, String)> {
        let mut all: Vec<(String, usize, String)> = Vec::new();
        for (id, place) in self.ids.iter().zip(&self.places) {
            let Err(reason) = place else { continue };
            match all.iter_mut().find(|(known, ..)| known == reason) {
                Some((_, count, _)) => *count += 1,
                None => all.push((reason.clone(), 1, id.clone())),
            }
        }
        all
    }

    /// Adds a block; the names of the batch and the type of each cell that is used go to `names`.
    fn add(&mut self, cells: &Cells, ways: &Ways, columns: Columns, names: Names) -> Result<()> {
        let batch = texts(&cells.obs, columns.batch)?;
        let label = columns.label.map(|label| texts(&cells.obs, label)).transpose()?;
        let [bins, logs, frozen] = [&ways.bins, &ways.logs, &ways.frozen].map(|way| way.tokenize(cells));
        let (bins, logs, frozen) = (bins?, logs?, frozen?);
        let (batches, types) = names;
        for row in 0..cells.len() {
            let shown = numbers(&bins, row);
            let reason = match cells.rejected.iter().find(|&&(rejected, _)| rejected == row) {
                Some((_, reason)) => Some(reason.clone()),
                None if batch.is_null(row) => Some(format!("has no value in the obs column `{}`", columns.batch)),
                None if shown.is_empty() => Some("has no gene of the vocabulary".to_owned()),
                None => None,
            };
            self.ids.push(cells.ids.value(row).to_owned());
            self.places.push(reason.map_or(Ok(batches.len()), Err));
            if self.places.last().is_some_and(Result::is_err) {
                continue;
            }
            batches.push(Some(batch.value(row).to_owned()));
            types.push(label.as_ref().filter(|label| !label.is_null(row)).map(|label| label.value(row).to_owned()));
            // `<cls>` is the first.
            self.bins.extend(shown.iter().skip(1));
            self.logs.extend(numbers(&logs, row).iter().skip(1));
            self.frozen.push((tokens(&frozen, row), numbers(&frozen, row)));
        }
        Ok(())
    }

    fn check(&self, columns: Columns) -> Result<()> {
        if self.batches.len() < 2 {
            let found = self.batches.first().map_or_else(|| "none".to_owned(), |name| format!("`{name}` alone"));
            let column = columns.batch;
            let reason = format!("obs column `{column}`: expected two batches or more to integrate, found {found}");
            return Err(Error::Train(reason));
        }
        let mut sizes = vec![0_usize; self.batches.len()];
        self.batch.iter().for_each(|&batch| sizes[batch] += 1);
        if let Some((name, _)) = self.batches.iter().zip(&sizes).find(|&(_, &size)| size < 2) {
            return Err(Error::Train(format!(
                "batch `{name}` of `{}` has fewer than two cells that can be used",
                columns.batch
            )));
        }
        if let Some(label) = columns.label.filter(|_| self.types.is_empty()) {
            return Err(Error::Train(format!("obs column `{label}` names no type: its values are all missing")));
        }
        Ok(())
    }
}

/// Names of the batch and the type of each cell that is used.
type Names<'a> = (&'a mut Vec<Option<String>>, &'a mut Vec<Option<String>>);

/// The names that there are, sorted.
fn distinct(names: &[Option<String>]) -> Vec<String> {
    names.iter().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

fn texts(obs: &RecordBatch, name: &str) -> Result<StringArray> {
    let column = obs.column_by_name(name).ok_or_else(|| Error::no_obs_column(name, obs.schema_ref()))?;
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn tokens(found: &Tokens, row: usize) -> Vec<i32> {
    let list = found.columns.first().and_then(|column| column.as_list_opt::<i32>()).map(|lists| lists.value(row));
    list.map_or_else(Vec::new, |list| list.as_primitive::<Int32Type>().values().to_vec())
}

fn numbers(found: &Tokens, row: usize) -> Vec<f32> {
    let list = found.columns.get(2).and_then(|column| column.as_list_opt::<i32>()).map(|lists| lists.value(row));
    list.map_or_else(Vec::new, |list| list.as_primitive::<Float32Type>().values().to_vec())
}
