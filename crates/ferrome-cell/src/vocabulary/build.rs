//! A new vocabulary with the medians of a corpus, in one pass over cells of any number.
//!
//! The median of a gene is taken over the cells that have it, of `count / total * 10_000`: Geneformer's own definition.
//! Up to 256 cells it is exact; beyond, a [`Digest`] estimates it and states its largest possible error.

mod corpus;
mod transpose;

use arrow::array::StringArray;
use rayon::prelude::*;

use self::corpus::Corpus;
use self::transpose::{Entries, transpose};
use super::{Digest, Gene, Parts, Source, Vocabulary};
use crate::cells::{Cells, Genes};
use crate::genes::{NameKind, unversioned};
use crate::tokenize::Style;
use crate::tokenize::totals::Totals;
use crate::{Error, Result};

/// Gathers medians over one dataset after another.
#[derive(Debug, Default)]
pub struct Builder {
    corpus: Corpus,
    digests: Vec<Digest>,
    sources: Vec<Source>,
    cells: u64,
    rejected: u64,
}

/// What a new vocabulary rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Cells that were counted.
    pub cells: u64,
    /// Cells that could not be used.
    pub rejected: u64,
    /// Genes of all datasets.
    pub seen: usize,
    /// Genes that are in the vocabulary.
    pub kept: usize,
    /// Genes whose median is exact.
    pub exact: usize,
    /// The largest possible relative error of a median, with its gene.
    pub largest_error: (f64, String),
    /// The largest possible relative error of half of the medians.
    pub median_error: f64,
}

/// The columns of one dataset, as genes of the corpus.
#[derive(Clone, Debug)]
pub struct Columns(Vec<Option<u32>>);

impl Builder {
    /// A builder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a dataset called `name`: its genes join those of the others.
    ///
    /// # Errors
    ///
    /// None of its genes has a name of the wanted kind.
    pub fn begin(&mut self, name: &str, genes: &Genes, kind: NameKind) -> Result<Columns> {
        let keys = keys(genes, kind);
        let columns: Vec<_> = keys.iter().map(|key| Some(self.corpus.gene(key.as_deref()?))).collect();
        if columns.iter().all(Option::is_none) {
            return Err(Error::Vocabulary(format!("{name}: no gene has a name of the kind `{kind}`")));
        }
        self.digests.resize_with(self.corpus.len(), Digest::default);
        if let Some(symbols) = &genes.names {
            self.corpus.name(&columns, symbols);
        }
        let source = Source { role: "corpus".into(), file: name.into(), bytes: None, sha256: None, published: None };
        self.sources.push(source);
        Ok(Columns(columns))
    }

    /// Adds a block of cells. The result does not depend on the number of threads.
    ///
    /// # Errors
    ///
    /// As for [`Totals::read`].
    pub fn add(&mut self, columns: &Columns, cells: &Cells, totals: &Totals) -> Result<()> {
        let totals = totals.read(cells)?;
        let used = |(row, total): (usize, Result<f64, String>)| {
            let rejected = cells.rejected.binary_search_by_key(&row, |(row, _)| *row).is_ok();
            total.ok().filter(|_| !rejected)
        };
        let totals: Vec<Option<f64>> = totals.into_iter().enumerate().map(used).collect();
        let used = totals.iter().flatten().count() as u64;
        self.cells += used;
        self.rejected += cells.len() as u64 - used;
        let Entries { starts, values } = transpose(&columns.0, self.corpus.len(), cells, &totals);
        let spans = starts.par_windows(2);
        self.digests.par_iter_mut().zip(spans).with_min_len(256).for_each(|(digest, span)| {
            values.get(span[0]..span[1]).unwrap_or_default().iter().for_each(|&value| digest.add(value));
        });
        Ok(())
    }

    /// The vocabulary: genes that at least `min_cells` cells have, in the order of their ids.
    ///
    /// # Errors
    ///
    /// No gene is left.
    pub fn finish(self, style: Style, min_cells: u64) -> Result<(Vocabulary, Report)> {
        let Self { corpus, digests, sources, cells, rejected } = self;
        let specials: &[&str] = match style {
            Style::GeneformerV1 => &["<pad>", "<mask>"],
            Style::GeneformerV2 => &["<pad>", "<mask>", "<cls>", "<eos>"],
            Style::ScGpt => &["<pad>", "<cls>", "<eoc>"],
        };
        let seen = corpus.len();
        let kept = corpus.ids.iter().zip(&digests).filter(|(_, digest)| digest.count() >= min_cells.max(1));
        let medians = kept.filter_map(|(id, digest)| Some((id.clone(), digest.median()?)));
        let mut medians: Vec<_> = medians.collect();
        medians.sort_by(|(a, _), (b, _)| a.cmp(b));
        if medians.is_empty() {
            return Err(Error::Vocabulary(format!("none of {seen} genes is in {min_cells} cells or more")));
        }
        let report = Report::new(&medians, (cells, rejected, seen));
        let genes = medians.into_iter().zip(specials.len() as i32..);
        let genes = genes.map(|((id, median), token)| Gene { id, token, median: Some(median.value) }).collect();
        let specials = specials.iter().map(|&name| name.to_owned()).zip(0..).collect();
        let symbols = corpus.symbols();
        let parts = Parts { style, specials, genes, symbols, former_ids: Vec::new(), sources };
        Ok((Vocabulary::new(parts)?, report))
    }
}

impl Report {
    fn new(medians: &[(String, super::Median)], (cells, rejected, seen): (u64, u64, usize)) -> Self {
        let mut errors: Vec<(f64, &str)> = medians.iter().map(|(id, median)| (median.error(), id.as_str())).collect();
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let exact = errors.iter().take_while(|(error, _)| *error == 0.0).count();
        let largest = errors.last().map_or((0.0, String::new()), |&(error, id)| (error, id.to_owned()));
        let median_error = errors.get(errors.len() / 2).map_or(0.0, |&(error, _)| error);
        Self { cells, rejected, seen, kept: medians.len(), exact, largest_error: largest, median_error }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cells, rejected, seen, kept, exact, largest_error: (error, id), median_error } = self;
        write!(f, "{kept} of {seen} genes from {cells} cells; {exact} medians are exact")?;
        if exact < kept {
            write!(
                f,
                ", half of all are within {:.2} %, the worst within {:.2} % (`{id}`)",
                median_error * 100.0,
                error * 100.0
            )?;
        }
        if *rejected > 0 {
            write!(f, "; {rejected} cells could not be used")?;
        }
        Ok(())
    }
}

/// The key of each gene: its id without version, or its symbol.
fn keys(genes: &Genes, kind: NameKind) -> Vec<Option<String>> {
    let names = [Some(&genes.ids), genes.names.as_ref()].into_iter().flatten();
    let taken = |names: &StringArray| names.iter().flatten().filter(|name| kind.takes(name)).count();
    // The ids, unless the names fit what is asked for better.
    let best = names.reduce(|best, other| if taken(other) > taken(best) { other } else { best });
    let key = |name: &str| {
        kind.takes(name).then(|| unversioned(name).map_or_else(|| name.to_owned(), std::borrow::Cow::into_owned))
    };
    best.map_or_else(Vec::new, |names| names.iter().map(|name| key(name?)).collect())
}

#[cfg(test)]
mod tests;
