//! Where the tokens come from: a table of them, or cells that are tokenized on the way.

use anyhow::{Result, bail};
use ferrome_cell::{
    Error,
    genes::Matching,
    model::OpenModel,
    read::{
        Header,
        tokens::{self, TokenReader},
    },
    task::tokenize,
    tokenize::{
        Style, Tokenizer,
        geneformer::{self, Geneformer},
        scgpt::{self, ScGpt},
        totals::Totals,
    },
    vocabulary::Vocabulary,
};
use ferrome_core::journal::RunDescription;

use super::Args;
use crate::cell::input::{Reading, found};
use crate::options::describe_input;

/// Tokens, and what they come from.
pub(super) struct Input {
    pub(super) tokens: TokenReader,
    pub(super) description: RunDescription,
}

impl Args {
    pub(super) fn open(&self, model: &OpenModel) -> Result<Input> {
        let mut description = RunDescription::new();
        if tokens::is_tokens(&self.input)? {
            if self.vocabulary.is_some() || self.matrix.is_some() || self.n_counts.is_some() {
                bail!("{}: holds tokens; --vocabulary, --matrix and --n-counts are for cells", self.input.display());
            }
            let tokens = tokens::open(&self.input)?;
            describe_input(&mut description, "input", &self.input)?;
            return Ok(Input { tokens, description });
        }
        let vocabulary = self.genes(model)?;
        let genes = self.names.options()?;
        let reader = self.reading().open(&self.input, &self.output)?;
        let header = reader.header().clone();
        let matching = Matching::new(&header.genes, &vocabulary, &genes)?;
        // Every run says what share of the genes matched.
        eprintln!("{}", matching.statistics);
        self.say(&found(&self.input, &header));
        let tokenizer = self.tokenizer(&vocabulary, &matching, &header)?;
        describe_input(&mut description, "input", &self.input)?;
        tokenize::describe_genes(&mut description, &vocabulary, &genes);
        tokenizer.describe(&mut description);
        description.set("matrix", &header.layer);
        let tokens = tokenize::stream(&self.input, reader, &matching, tokenizer, &vocabulary)?;
        Ok(Input { tokens, description })
    }

    fn tokenizer(&self, vocabulary: &Vocabulary, matching: &Matching, header: &Header) -> Result<Box<dyn Tokenizer>> {
        if vocabulary.style() == Style::ScGpt {
            let options = scgpt::Options::of(scgpt::Path::ZeroShot);
            return Ok(Box::new(ScGpt::new(vocabulary, matching, options)?));
        }
        let totals = Totals::asked(self.n_counts.as_deref(), &header.obs)?;
        self.say(&format!("total counts: {}", totals.describe()));
        let options = geneformer::Options { totals, keep_uncropped: false, keep_counts: false };
        Ok(Box::new(Geneformer::new(vocabulary, matching, options)?))
    }

    fn genes(&self, model: &OpenModel) -> Result<Vocabulary> {
        let vocabulary = match &self.vocabulary {
            Some(path) => Some(Vocabulary::open(path)?),
            None => model.vocabulary()?,
        };
        let Some(vocabulary) = vocabulary else {
            bail!("{}: holds cells, which need --vocabulary to become tokens", self.input.display())
        };
        let path = self.vocabulary.clone().unwrap_or_else(|| model.path().to_owned());
        let (found, expected) = (vocabulary.style(), model.style());
        if expected.is_some_and(|expected| expected != found) || (expected.is_none() && found == Style::ScGpt) {
            let expected = expected.map_or("Geneformer", Style::name);
            return Err(
                Error::file(path, format!("is a vocabulary of the style {found}; the model takes {expected}")).into()
            );
        }
        Ok(vocabulary)
    }

    pub(super) fn reading(&self) -> Reading {
        Reading { layer: self.matrix.clone(), allow_normalized: false, threads: self.compute.threads }
    }
}
