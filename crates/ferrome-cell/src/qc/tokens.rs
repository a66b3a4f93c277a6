//! How many tokens a cell becomes, without ranking it.

use crate::cells::Cells;
use crate::genes::Matching;
use crate::tokenize::Style;
use crate::tokenize::slots::{Row, Slots};
use crate::vocabulary::Vocabulary;

/// Token lengths of one style.
#[derive(Clone, Debug)]
pub struct TokenLengths {
    slots: Slots,
    /// Special tokens of a cell.
    specials: usize,
    max_length: usize,
}

/// What one cell becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Length {
    /// Its genes that are in the vocabulary.
    pub genes: usize,
    /// Its tokens, special tokens included; 0 without any gene of the vocabulary.
    pub tokens: usize,
    /// Whether genes are left out because there are more than fit.
    pub truncated: bool,
}

/// The most tokens of a cell, special tokens included.
#[must_use]
pub fn max_length(style: Style) -> usize {
    match style {
        Style::GeneformerV1 => 2048,
        Style::GeneformerV2 => 4096,
        Style::ScGpt => 1200,
    }
}

impl TokenLengths {
    /// Lengths for a matched matrix in the style of its vocabulary; `max_length` where it is not the published one.
    ///
    /// scGPT: the zero-shot path, without genes that a cell lacks.
    #[must_use]
    pub fn new(vocabulary: &Vocabulary, matching: &Matching, max_length: Option<usize>) -> Self {
        let style = vocabulary.style();
        let specials = match style {
            Style::GeneformerV1 => 0,
            Style::GeneformerV2 => 2,
            Style::ScGpt => 1,
        };
        let max_length = max_length.unwrap_or_else(|| self::max_length(style));
        Self { slots: Slots::new(matching), specials, max_length }
    }

    /// The most tokens of a cell.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The length of the cell in row `row`; `scratch` is used again from cell to cell.
    #[must_use]
    pub fn of(&self, cells: &Cells, row: usize, scratch: &mut Row) -> Length {
        self.slots.gather(cells, row, scratch);
        let genes = scratch.slots.len();
        if genes == 0 {
            return Length { genes, tokens: 0, truncated: false };
        }
        let room = self.max_length.saturating_sub(self.specials);
        Length { genes, tokens: genes.min(room) + self.specials, truncated: genes > room }
    }
}
