//! Where the tokens come from: a table of them, or cells that are tokenized on the way.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use ferrome_cell::{
    Error,
    genes::Matching,
    model::OpenModel,
    read::{
        Header,
        memory::Data,
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

use crate::cell::{
    input::{self, Reading, found},
    names::Names,
};
use crate::options::describe_input;

/// How cells become tokens, where the input holds cells.
#[derive(clap::Args, Debug)]
pub(in crate::cell) struct Cells {
    /// Where IN holds cells: the vocabulary, which also says the style [default: the one beside the weights]
    #[arg(long, value_name = "VOCAB.json", help_heading = "Cells")]
    vocabulary: Option<PathBuf>,
    /// The matrix to take: X, raw/X, or a layer [default: the first of X, raw/X, layers/counts that holds counts]
    #[arg(long, value_name = "NAME", help_heading = "Cells")]
    matrix: Option<String>,
    /// Total counts of a cell: a column of obs, or sum [default: n_counts where obs has it, else sum]
    #[arg(long, value_name = "COLUMN", help_heading = "Cells")]
    n_counts: Option<String>,
    #[command(flatten)]
    names: Names,
}

/// Tokens, and what they come from.
pub(in crate::cell) struct Input {
    pub(in crate::cell) tokens: TokenReader,
    pub(in crate::cell) description: RunDescription,
}

impl Cells {
    /// Opens `input`, or the cells that are `given`; what has to be put aside goes beside `output`.
    pub(in crate::cell) fn open(
        &self,
        (input, output): (&Path, &Path),
        given: Option<&Data>,
        threads: NonZeroUsize,
        quiet: bool,
        model: &OpenModel,
    ) -> Result<Input> {
        let mut description = RunDescription::new();
        if given.is_none() && tokens::is_tokens(input)? {
            if self.vocabulary.is_some() || self.matrix.is_some() || self.n_counts.is_some() {
                bail!("{}: holds tokens; --vocabulary, --matrix and --n-counts are for cells", input.display());
            }
            let tokens = tokens::open(input)?;
            describe_input(&mut description, "input", input)?;
            return Ok(Input { tokens, description });
        }
        let vocabulary = self.genes(input, model)?;
        let genes = self.names.options()?;
        let reading = Reading { layer: self.matrix.clone(), allow_normalized: false, threads: Some(threads) };
        let reader = reading.open((input, output), given)?;
        let header = reader.header().clone();
        let matching = Matching::new(&header.genes, &vocabulary, &genes)?;
        // Every run says what share of the genes matched.
        eprintln!("{}", matching.statistics);
        say(quiet, &found(input, &header));
        let tokenizer = self.tokenizer(&vocabulary, &matching, &header, quiet)?;
        input::describe(&mut description, input, given)?;
        tokenize::describe_genes(&mut description, &vocabulary, &genes);
        tokenizer.describe(&mut description);
        description.set("matrix", &header.layer);
        let tokens = tokenize::stream(input, reader, &matching, tokenizer, &vocabulary)?;
        Ok(Input { tokens, description })
    }

    fn tokenizer(
        &self,
        vocabulary: &Vocabulary,
        matching: &Matching,
        header: &Header,
        quiet: bool,
    ) -> Result<Box<dyn Tokenizer>> {
        if vocabulary.style() == Style::ScGpt {
            let options = scgpt::Options::of(scgpt::Path::ZeroShot);
            return Ok(Box::new(ScGpt::new(vocabulary, matching, options)?));
        }
        let totals = Totals::asked(self.n_counts.as_deref(), &header.obs)?;
        say(quiet, &format!("total counts: {}", totals.describe()));
        let options = geneformer::Options { totals, keep_uncropped: false, keep_counts: false };
        Ok(Box::new(Geneformer::new(vocabulary, matching, options)?))
    }

    fn genes(&self, input: &Path, model: &OpenModel) -> Result<Vocabulary> {
        let vocabulary = match &self.vocabulary {
            Some(path) => Some(Vocabulary::open(path)?),
            None => model.vocabulary()?,
        };
        let Some(vocabulary) = vocabulary else {
            bail!("{}: holds cells, which need --vocabulary to become tokens", input.display())
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
}

fn say(quiet: bool, line: &str) {
    if !quiet {
        eprintln!("{line}");
    }
}
