//! Geneformer's tokens: the genes of a cell, ranked by their expression relative to the gene's median over a corpus.
//!
//! For each gene of the vocabulary with a count `x` in a cell whose total is `n`:
//!
//! ```text
//! rank by   x / n * 10_000 / median      descending, in float64, one operation after the other
//! ties      in the order of the columns (genes of several columns behind the others)
//! V1        the first 2,048 genes
//! V2        <cls>, the first 4,094 genes, <eos>
//! ```
//!
//! Source: Theodoris et al. 2023, <https://doi.org/10.1038/s41586-023-06139-9>, and the `tokenizer.py` of ctheodoris/Geneformer.

mod columns;
mod rank;

use arrow::datatypes::Field;
use ferrome_core::journal::RunDescription;

use self::columns::Columns;
use self::rank::Ranking;
use super::slots::{Row, Slots};
use super::totals::Totals;
use super::{Style, Tokenizer, Tokens};
use crate::cells::Cells;
use crate::genes::Matching;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// What expression is scaled to before it is divided by the median.
pub const TARGET_SUM: f64 = 10_000.0;

/// What is written beside `input_ids` and `length`, and what cells are divided by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Where total counts come from.
    pub totals: Totals,
    /// Also `input_ids_uncropped` and `length_uncropped`: all genes, without special tokens.
    pub keep_uncropped: bool,
    /// Also `counts`: `x / n * 10_000` of each token, 0 for special tokens.
    pub keep_counts: bool,
}

/// The tokenizer of Geneformer V1 and V2.
#[derive(Clone, Debug)]
pub struct Geneformer {
    options: Options,
    style: Style,
    slots: Slots,
    /// `[slots]`
    tokens: Vec<i32>,
    /// The highest token that may be written.
    highest: i32,
    /// `[slots]`
    medians: Vec<f64>,
    /// `<cls>` and `<eos>`, where the version has them.
    frame: Option<[i32; 2]>,
    /// Genes that fit.
    most: usize,
}

impl Geneformer {
    /// The tokenizer for a matched matrix.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyLacks`]: the vocabulary has no medians, or no `<cls>` and `<eos>` for V2.
    pub fn new(vocabulary: &Vocabulary, matching: &Matching, options: Options) -> Result<Self> {
        let lacks = |what: &str| Error::VocabularyLacks { style: vocabulary.style(), what: what.to_owned() };
        let special = |name: &str| vocabulary.special(name).ok_or_else(|| lacks(&format!("the token `{name}`")));
        let (frame, most) = match vocabulary.style() {
            Style::GeneformerV1 => (None, 2048),
            Style::GeneformerV2 => (Some([special("<cls>")?, special("<eos>")?]), 4096 - 2),
            Style::ScGpt => return Err(lacks("medians")),
        };
        let slots = Slots::new(matching);
        let genes = slots.genes().iter().filter_map(|&gene| vocabulary.genes().get(gene as usize));
        let tokens = genes.clone().map(|gene| gene.token).collect();
        // Of the whole vocabulary, so that the type of the column does not depend on the matrix.
        let highest = vocabulary.genes().iter().map(|gene| gene.token).chain(frame.into_iter().flatten()).max();
        let medians = genes.map(|gene| gene.median).collect::<Option<Vec<f64>>>().ok_or_else(|| lacks("medians"))?;
        let highest = highest.unwrap_or(0);
        Ok(Self { options, style: vocabulary.style(), slots, tokens, highest, medians, frame, most })
    }

    /// Whether a cell has any gene of the vocabulary.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Ranks the genes of one cell; as many as are wanted are in order.
    fn rank(&self, row: &Row, total: f64, ranking: &mut Ranking) {
        let wanted = if self.options.keep_uncropped { usize::MAX } else { self.most };
        // The published formula divides by the total, multiplies and divides by the median, rounding each time.
        let values = row.slots.iter().zip(&row.values);
        let expression = values.map(|(&slot, &value)| value / total * TARGET_SUM / self.medians[slot as usize]);
        ranking.sort(expression, wanted);
    }
}

impl Tokenizer for Geneformer {
    fn fields(&self) -> Vec<Field> {
        Columns::fields(self)
    }

    fn tokenize(&self, cells: &Cells) -> Result<Tokens> {
        let totals = self.options.totals.read(cells)?;
        let mut columns = Columns::new(self, cells.len(), cells.genes.len());
        let mut rejected = Vec::new();
        let (mut row, mut ranking) = (Row::default(), Ranking::default());
        for (index, total) in totals.into_iter().enumerate() {
            self.slots.gather(cells, index, &mut row);
            match total {
                // A cell without a gene of the vocabulary needs no total.
                _ if row.slots.is_empty() => columns.push_empty(),
                Ok(total) => {
                    self.rank(&row, total, &mut ranking);
                    columns.push(self, &row, total, &ranking);
                }
                Err(reason) => {
                    rejected.push((index, reason));
                    columns.push_empty();
                }
            }
        }
        let tokens = columns.tokens();
        Ok(Tokens { columns: columns.finish(&self.options), tokens, rejected })
    }

    fn describe(&self, description: &mut RunDescription) {
        description.set("style", self.style);
        description.set("n_counts", self.options.totals.describe());
        description.set("keep_uncropped", self.options.keep_uncropped);
        description.set("keep_counts", self.options.keep_counts);
    }

    fn reads_obs(&self) -> Vec<String> {
        match &self.options.totals {
            Totals::Column(name) => vec![name.clone()],
            Totals::Sum => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
