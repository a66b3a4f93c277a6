//! Where the tokens come from: a table of them, or cells that are tokenized on the way.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail};
use ferrome_cell::{
    Error,
    genes::Matching,
    model::OpenModel,
    read::{
        self, CellReader, Header, Portioned,
        memory::Data,
        tokens::{self, TokenReader},
    },
    task::{tokenize, train::vocabulary_name},
    tokenize::{Style, Tokenizer, scgpt::Recipe, totals::Totals},
    vocabulary::Vocabulary,
};
use ferrome_core::{journal::RunDescription, shard::Portion};

use crate::cell::{
    input::{self, Reading, found},
    names::Names,
    tokens as made,
};
use crate::options::describe_input;
use crate::sharding::Sharding;
use crate::tell;

/// How cells become tokens, where the input holds cells.
#[derive(clap::Args, Debug)]
pub(in crate::cell) struct Cells {
    /// The vocabulary of the tokens, or that makes them of cells, and also says the style [default: the one beside the weights]
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
    /// What the tokens stand for, where that is known.
    pub(in crate::cell) vocabulary: Option<Vocabulary>,
    /// The shard, where one was asked for.
    pub(in crate::cell) portion: Option<Portion>,
    /// Whether `tokens` has all rows of the input, not those of the shard alone.
    pub(in crate::cell) whole: bool,
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
        self.open_portion((input, output), given, (threads, quiet), model, &Sharding::default())
    }

    /// As [`Cells::open`], for the rows of a shard, which goes to the folder `output`.
    pub(super) fn open_portion(
        &self,
        (input, output): (&Path, &Path),
        given: Option<&Data>,
        (threads, quiet): (NonZeroUsize, bool),
        model: &OpenModel,
        sharding: &Sharding,
    ) -> Result<Input> {
        let mut description = RunDescription::new();
        if given.is_none() && tokens::is_tokens(input)? {
            if self.matrix.is_some() || self.n_counts.is_some() {
                bail!("{}: holds tokens; --matrix and --n-counts are for cells", input.display());
            }
            let tokens = tokens::open(input)?;
            let vocabulary = self.of_tokens(&tokens, model)?;
            if let Some(difference) = made_otherwise(&tokens, model)? {
                bail!("{}: {difference}; see `ferrome cell tokenize`", input.display());
            }
            describe_input(&mut description, "input", input)?;
            let portion = sharding.portion(output, || Ok(tokens::open(input)?.count()?))?;
            return Ok(Input { tokens, description, vocabulary, portion, whole: true });
        }
        let vocabulary = self.genes(input, model)?;
        let genes = self.names.options()?;
        let reading = Reading { layer: self.matrix.clone(), allow_normalized: false, threads: Some(threads) };
        let reader = reading.open((input, output), given)?;
        let header = reader.header().clone();
        let matching = Matching::new(&header.genes, &vocabulary, &genes)?;
        // Every run says what share of the genes matched.
        tell::say(&matching.statistics);
        say(quiet, &found(input, &header));
        let tokenizer = self.tokenizer(&vocabulary, &matching, (&header, quiet), model)?;
        input::describe(&mut description, input, given)?;
        tokenize::describe_genes(&mut description, &vocabulary, &genes);
        tokenizer.describe(&mut description);
        description.set("matrix", &header.layer);
        let count = || match header.cells {
            Some(cells) => Ok(cells),
            None => Ok(read::count(reading.open((input, output), given)?)?),
        };
        let portion = sharding.portion(output, count)?;
        let reader: Box<dyn CellReader> = match portion.clone() {
            Some(portion) => Box::new(Portioned::new(reader, portion)),
            None => reader,
        };
        let tokens = tokenize::stream(input, reader, &matching, tokenizer, &vocabulary)?;
        Ok(Input { tokens, description, vocabulary: Some(vocabulary), portion, whole: false })
    }

    // What tokens that are there already stand for: by --vocabulary, which must be the one that they were made with, or as the model says.
    fn of_tokens(&self, tokens: &TokenReader, model: &OpenModel) -> Result<Option<Vocabulary>> {
        let Some(path) = &self.vocabulary else { return Ok(model.vocabulary()?) };
        let vocabulary = Self::read(path, model)?;
        let found = vocabulary_name(&vocabulary);
        if let Some(expected) = tokens.header().vocabulary.as_ref().filter(|expected| **expected != found) {
            let tokens = tokens.path().display();
            bail!("{tokens}: its tokens were made with the vocabulary {expected}; {} is {found}", path.display());
        }
        Ok(Some(vocabulary))
    }

    fn tokenizer(
        &self,
        vocabulary: &Vocabulary,
        matching: &Matching,
        (header, quiet): (&Header, bool),
        model: &OpenModel,
    ) -> Result<Box<dyn Tokenizer>> {
        if vocabulary.style() == Style::ScGpt {
            let recipe = made::recipe(model)?;
            if recipe.is_some() {
                say(quiet, "tokens are made as those that the model was trained on (tokens.json)");
            }
            return made::scgpt(vocabulary, matching, recipe);
        }
        let totals = Totals::asked(self.n_counts.as_deref(), &header.obs)?;
        say(quiet, &format!("total counts: {}", totals.describe()));
        made::geneformer(vocabulary, matching, totals)
    }

    fn genes(&self, input: &Path, model: &OpenModel) -> Result<Vocabulary> {
        if let Some(path) = &self.vocabulary {
            return Self::read(path, model);
        }
        let vocabulary = model.vocabulary()?;
        vocabulary.ok_or_else(|| anyhow!("{}: holds cells, which need --vocabulary to become tokens", input.display()))
    }

    fn read(path: &Path, model: &OpenModel) -> Result<Vocabulary> {
        let vocabulary = Vocabulary::open(path)?;
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

// What is other in tokens that ferrome made than in those that the model was trained on.
fn made_otherwise(tokens: &TokenReader, model: &OpenModel) -> Result<Option<String>> {
    let metadata = &tokens.header().metadata;
    let known = metadata.contains_key("ferrome.cls_value");
    let trained = made::recipe(model)?.filter(|_| known);
    Ok(trained.and_then(|trained| Recipe::of(metadata, Vec::new).difference(&trained)))
}

fn say(quiet: bool, line: &str) {
    if !quiet {
        eprintln!("{line}");
    }
}
