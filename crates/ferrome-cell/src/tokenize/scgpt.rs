//! scGPT's tokens: the genes of a cell in the order of the columns, each with the bin of its expression.
//!
//! Two paths lead into the model upstream, and they differ:
//!
//! | | zero-shot (`embed_data`) | fine-tuning (`Preprocessor`) |
//! |---|---|---|
//! | genes | all of the vocabulary | with at least 3 molecules over all cells, then the highly variable ones |
//! | values | counts | normalised to 10,000 a cell over the genes kept, logarithm of one more |
//! | binning | the same | the same |
//! | `<cls>`, first | value -2 (the padding value) | value 0 |
//! | genes without counts | left out | left out, or in with value 0 |
//! | longer than the limit | a random sample in random order, `<cls>` kept first | the same |
//!
//! Values that are no counts are taken as normalised already. Nothing is padded; models do that. A cell without any gene of the vocabulary gets no token at all.
//!
//! Chance comes from the seed and from what the cell holds, and from nothing else: a run gives the same tokens whatever the
//! order of the cells, the size of the blocks and the number of threads. Which genes are sampled does not depend on how
//! values are binned.
//!
//! Source: Cui et al. 2024, <https://doi.org/10.1038/s41592-024-02201-0>, and bowang-lab/scGPT: `tasks/cell_emb.py`,
//! `data_collator.py`, `preprocess.py`, `tokenizer/gene_tokenizer.py`.

mod chance;
mod columns;
mod encoder;
mod options;
mod panel;
mod recipe;
mod survey;

use arrow::datatypes::Field;
use ferrome_core::journal::RunDescription;

pub use self::options::{Options, Path, Variable};
pub use self::panel::Panel;
pub use self::recipe::Recipe;
pub use self::survey::survey;

use self::columns::Columns;
use self::encoder::Encoder;
use super::slots::{Row, Slots};
use super::{Style, Tokenizer, Tokens};
use crate::cells::Cells;
use crate::genes::Matching;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// The tokenizer of scGPT.
#[derive(Clone, Debug)]
pub struct ScGpt {
    options: Options,
    slots: Slots,
    panel: Panel,
    /// `[slots]`
    tokens: Vec<i32>,
    cls: i32,
}

impl ScGpt {
    /// The tokenizer for a matched matrix, with all of its genes that are in the vocabulary.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyLacks`]: the vocabulary has no `<cls>`.
    pub fn new(vocabulary: &Vocabulary, matching: &Matching, options: Options) -> Result<Self> {
        let lacks = || Error::VocabularyLacks { style: Style::ScGpt, what: "the token `<cls>`".to_owned() };
        let cls = vocabulary.special("<cls>").ok_or_else(lacks)?;
        let slots = Slots::new(matching);
        let genes = slots.genes().iter().filter_map(|&gene| vocabulary.genes().get(gene as usize));
        let tokens: Vec<i32> = genes.map(|gene| gene.token).collect();
        let panel = Panel::all(tokens.len());
        Ok(Self { options, slots, panel, tokens, cls })
    }

    /// Keeps the genes of a panel only.
    #[must_use]
    pub fn with_panel(self, panel: Panel) -> Self {
        Self { panel, ..self }
    }

    /// The most tokens that a block can have.
    fn most_tokens(&self, cells: &Cells) -> usize {
        let zeros = if self.options.zero_genes { self.tokens.len() } else { 0 };
        let rows = cells.starts.windows(2).map(|row| (1 + zeros.max(row[1] - row[0])).min(self.options.max_length));
        rows.sum()
    }

    /// Where columns go, for a survey of the same matrix.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        &self.slots
    }
}

impl Tokenizer for ScGpt {
    fn fields(&self) -> Vec<Field> {
        Columns::fields()
    }

    fn tokenize(&self, cells: &Cells) -> Result<Tokens> {
        let mut columns = Columns::new(cells.len(), self.most_tokens(cells));
        let mut encoder = Encoder::new(self);
        let mut row = Row::default();
        for index in 0..cells.len() {
            self.slots.gather(cells, index, &mut row);
            // A cell without a gene of the vocabulary gets no token.
            if !row.slots.is_empty() {
                encoder.encode(&row, &mut columns);
            }
            columns.close();
        }
        let tokens = columns.tokens();
        Ok(Tokens { columns: columns.finish(), tokens, rejected: Vec::new() })
    }

    fn describe(&self, description: &mut RunDescription) {
        description.set("style", Style::ScGpt);
        self.options.describe(description);
    }

    fn reads_obs(&self) -> Vec<String> {
        self.options.variable.iter().filter_map(|variable| variable.batch.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
