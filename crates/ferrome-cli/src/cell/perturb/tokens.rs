//! Where the tokens come from: a table, or cells that a program has, which are tokenized on the way.

use anyhow::Result;
use ferrome_cell::{
    Error,
    read::{
        memory::Data,
        tokens::{self, TokenReader},
    },
    vocabulary::Vocabulary,
};

use super::Args;
use crate::cell::tokens::of_cells;

impl Args {
    /// The tokens, which are of the style of the vocabulary.
    pub(super) fn tokens(&self, vocabulary: &Vocabulary, given: Option<&Data>) -> Result<TokenReader> {
        if let Some(cells) = given {
            return of_cells((&self.input, cells), vocabulary, None, self.compute.threads());
        }
        let reader = tokens::open(&self.input)?;
        match reader.header().style.filter(|style| *style != vocabulary.style()) {
            Some(found) => {
                let (path, expected) = (self.input.clone(), vocabulary.style());
                let what = format!("holds tokens of the style {found}, the vocabulary is of {expected}");
                Err(Error::file(path, what).into())
            }
            None => Ok(reader),
        }
    }
}
