//! Where the tokens come from: a table, or cells that a program has, which are tokenized on the way.

use anyhow::Result;
use ferrome_cell::{
    Error,
    genes::{Matching, Options},
    read::{
        ReadOptions,
        memory::Data,
        tokens::{self, TokenReader},
    },
    task::tokenize,
    tokenize::{
        geneformer::{self, Geneformer},
        totals::Totals,
    },
    vocabulary::Vocabulary,
};

use super::Args;

impl Args {
    /// The tokens, which are of the style of the vocabulary.
    pub(super) fn tokens(&self, vocabulary: &Vocabulary, given: Option<&Data>) -> Result<TokenReader> {
        if let Some(cells) = given {
            return self.tokenized(vocabulary, cells);
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

    fn tokenized(&self, vocabulary: &Vocabulary, cells: &Data) -> Result<TokenReader> {
        let options = ReadOptions { threads: Some(self.compute.threads()), ..ReadOptions::default() };
        let reader = cells.open(&options)?;
        let header = reader.header().clone();
        let matching = Matching::new(&header.genes, vocabulary, &Options::default())?;
        let totals = Totals::asked(None, &header.obs)?;
        let options = geneformer::Options { totals, keep_uncropped: false, keep_counts: false };
        let tokenizer = Geneformer::new(vocabulary, &matching, options)?;
        Ok(tokenize::stream(&self.input, reader, &matching, Box::new(tokenizer), vocabulary)?)
    }
}
