use std::borrow::Cow;

use arrow::array::{Array, StringArray};

use super::columns::{Candidate, candidates, named};
use super::lookup::{Lookup, Way};
use super::report::Statistics;
use super::{GeneMap, NameKind};
use crate::cells::{Cells, Genes, Values};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// How genes are matched.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the names are taken for.
    pub kind: NameKind,
    /// The column of `var` that holds them; the one that matches best when `None`.
    pub column: Option<String>,
    /// A table of names beside those of the vocabulary.
    pub map: Option<GeneMap>,
    /// The smallest matched share that is accepted, from 0 to 1.
    pub min_matched: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { kind: NameKind::Auto, column: None, map: None, min_matched: 0.5 }
    }
}

/// For each column of a matrix the gene of the vocabulary that it is, if any.
#[derive(Clone, Debug)]
pub struct Matching {
    /// Index into [`Vocabulary::genes`], for each column of the matrix.
    pub targets: Vec<Option<u32>>,
    /// What was found and what was not.
    pub statistics: Statistics,
    names: StringArray,
    min_matched: f64,
}

impl Matching {
    /// Matches the genes of a matrix by the column that holds most of them.
    ///
    /// # Errors
    ///
    /// [`Error::NoGeneColumn`]. Whether enough has matched is asked by [`Self::check`].
    pub fn new(genes: &Genes, vocabulary: &Vocabulary, options: &Options) -> Result<Self> {
        let candidates = match &options.column {
            Some(name) => vec![named(genes, name).ok_or_else(|| no_column(genes, name))?],
            None => candidates(genes),
        };
        let lookup = Lookup::new(vocabulary, options.kind, options.map.as_ref());
        let mut best: Option<(usize, Found, Candidate<'_>)> = None;
        for candidate in candidates {
            let found = Found::new(&lookup, &candidate.names, vocabulary.genes().len());
            let distinct = found.statistics.genes;
            // The first of equals counts.
            if best.as_ref().is_none_or(|(most, ..)| distinct > *most) {
                best = Some((distinct, found, candidate));
            }
        }
        let (found, candidate) = best.map_or_else(
            || (Found::default(), Candidate { name: "ids".into(), names: Cow::Borrowed(&genes.ids) }),
            |(_, found, candidate)| (found, candidate),
        );
        let Found { targets, mut statistics } = found;
        statistics.column = candidate.name.into_owned();
        statistics.ambiguous = lookup.ambiguous;
        Ok(Self { targets, statistics, names: candidate.names.into_owned(), min_matched: options.min_matched })
    }

    /// The name of each column of the matrix that was looked up.
    #[must_use]
    pub fn names(&self) -> &StringArray {
        &self.names
    }

    /// Whether enough has matched; otherwise the ten unmatched names with the largest sums in `cells`, the first block.
    ///
    /// The share is that of the smaller side: of the columns of the matrix, or of the genes of the vocabulary, so that
    /// neither a small panel nor a matrix with many non-coding genes is refused.
    ///
    /// # Errors
    ///
    /// [`Error::FewGenes`].
    pub fn check(&self, cells: Option<&Cells>) -> Result<()> {
        let share = self.statistics.share_of_smaller();
        // Half a thousandth of a percent is not what anybody means by a limit.
        if share + 5e-6 >= self.min_matched {
            return Ok(());
        }
        Err(Error::FewGenes {
            statistics: Box::new(self.statistics.clone()),
            min_matched: self.min_matched,
            unmatched: self.most_frequent(cells, 10),
        })
    }

    /// The `count` unmatched names with the largest sums in `cells`; ties in the order of the columns.
    #[must_use]
    pub fn most_frequent(&self, cells: Option<&Cells>, count: usize) -> Vec<String> {
        let mut sums = vec![0.0_f64; self.targets.len()];
        if let Some(cells) = cells {
            let mut add = |gene: u32, value: f64| {
                if let Some(sum) = sums.get_mut(gene as usize) {
                    *sum += value;
                }
            };
            match &cells.values {
                Values::Counts(values) => cells.genes.iter().zip(values).for_each(|(&g, &v)| add(g, v.into())),
                Values::Floats(values) => cells.genes.iter().zip(values).for_each(|(&g, &v)| add(g, v.into())),
            }
        }
        let unmatched = self.targets.iter().zip(sums).enumerate().filter(|(_, (target, _))| target.is_none());
        let mut unmatched: Vec<(usize, f64)> = unmatched.map(|(column, (_, sum))| (column, sum)).collect();
        unmatched.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        unmatched.iter().take(count).map(|&(column, _)| self.names.value(column).to_owned()).collect()
    }
}

fn no_column(genes: &Genes, name: &str) -> Error {
    let mut known: Vec<String> = candidates(genes).into_iter().map(|candidate| candidate.name.into_owned()).collect();
    let fields = genes.columns.schema_ref().fields().iter().map(|field| field.name().clone());
    known.extend(fields.filter(|field| !known.contains(field)).collect::<Vec<_>>());
    Error::NoGeneColumn { column: name.to_owned(), known }
}

/// What one column of names leads to.
#[derive(Default)]
struct Found {
    targets: Vec<Option<u32>>,
    statistics: Statistics,
}

impl Found {
    fn new(lookup: &Lookup<'_>, names: &StringArray, vocabulary: usize) -> Self {
        let mut statistics = Statistics { columns: names.len(), vocabulary, ..Statistics::default() };
        let mut uses = vec![0_u32; vocabulary];
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            let found = name.and_then(|name| lookup.find(name));
            match found {
                Some((gene, way)) => {
                    statistics.count(way);
                    if let Some(uses) = uses.get_mut(gene as usize) {
                        *uses += 1;
                    }
                }
                None => statistics.miss(name.unwrap_or_default(), name.is_some_and(|name| lookup.is_known(name))),
            }
            targets.push(found.map(|(gene, _)| gene));
        }
        statistics.genes = uses.iter().filter(|&&uses| uses > 0).count();
        statistics.summed_genes = uses.iter().filter(|&&uses| uses > 1).count();
        statistics.summed_columns = uses.iter().filter(|&&uses| uses > 1).map(|&uses| uses as usize).sum();
        Self { targets, statistics }
    }
}

impl Statistics {
    fn count(&mut self, way: Way) {
        *match way {
            Way::Direct => &mut self.direct,
            Way::Map => &mut self.by_map,
            Way::Former => &mut self.by_former_id,
            Way::Symbol => &mut self.by_symbol,
        } += 1;
    }

    fn miss(&mut self, name: &str, known: bool) {
        self.outside += usize::from(known);
        self.unknown += usize::from(!known);
        if !known && self.examples.len() < 3 {
            self.examples.push(name.to_owned());
        }
    }
}
