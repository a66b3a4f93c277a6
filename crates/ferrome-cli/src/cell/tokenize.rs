//! `ferrome cell tokenize`.

mod style;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ferrome_cell::{
    Error,
    genes::{self, Matching},
    read::{self, CellReader, Header, Portioned, memory::Data},
    task::tokenize::{self, BLOCK, FILTER_PASS, Filtered, Job, ObsColumns, Tokenized},
    tokenize::{Style, Tokenizer, geneformer::Geneformer, scgpt},
    vocabulary::Vocabulary,
};
use ferrome_core::{
    engine::{self, Summary},
    journal::RunDescription,
    table::Output,
};

use super::{
    input::{self, Reading, found},
    names::Names,
};
use crate::options::{ROW_STATS, Running, table};
use crate::sharding::Sharding;
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome cell tokenize pbmc.h5ad --style geneformer-v2 --vocabulary v2.json \\
      --obs n_genes -o tokens
  ferrome cell tokenize pbmc.h5ad --style scgpt --vocabulary scgpt.json \\
      --path fine-tune --variable-genes 100 -o binned.parquet

The first writes a folder that datasets.load_from_disk opens. Killed at any moment,
the same command goes on where it was.";

/// Writes `input_ids`, `length`, `cell_id`, the columns asked for and `error`, one row per cell, in the order of the input
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(ROW_STATS)))]
pub(crate) struct Args {
    /// h5ad, 10x .h5, a 10x matrix folder, loom, Parquet, or a dataset
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Whose tokens: geneformer-v1, geneformer-v2 or scgpt
    #[arg(long, value_name = "STYLE")]
    style: Style,
    /// The vocabulary, from `ferrome cell vocabulary`
    #[arg(long, value_name = "VOCAB.json")]
    vocabulary: PathBuf,
    /// A folder for a Hugging Face dataset, OUT.parquet or OUT.arrow
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Columns of obs that go along, with commas; NAME=NEW gives another name
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    obs: Vec<String>,
    /// Take all cells, also where obs has a column filter_pass, of which only 1 passes
    #[arg(long)]
    all_cells: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    geneformer: style::Geneformer,
    #[command(flatten)]
    scgpt: style::ScGpt,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    sharding: Sharding,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let output = args.output()?;
    args.refuse_foreign_flags()?;
    let vocabulary = args.vocabulary()?;
    let genes = args.names.options()?;
    let reader = args.open(given)?;
    let header = reader.header().clone();
    let count = || match header.cells {
        Some(cells) => Ok(cells),
        None => Ok(read::count(args.open(given)?)?),
    };
    let portion = args.sharding.portion(&args.output, count)?;
    let obs = ObsColumns::new(&args.obs, &header.obs)?;
    let matching = Matching::new(&header.genes, &vocabulary, &genes)?;
    // Every run says what share of the genes matched.
    tell::say(&matching.statistics);
    args.say(&found(&args.input, &header));

    let filter =
        (!args.all_cells && header.obs.column_with_name(FILTER_PASS).is_some()).then(|| FILTER_PASS.to_owned());
    let tokenizer = args.tokenizer(&vocabulary, &matching, &header, (given, filter.as_deref()))?;
    let description = args.description(&vocabulary, &genes, given)?;
    let reader: Box<dyn CellReader> = match portion.clone() {
        Some(portion) => Box::new(Portioned::new(reader, portion)),
        None => reader,
    };
    let engine = engine::Options { portion, ..args.running.engine(0, args.reading.threads())? };
    let job = Job { reader, matching: &matching, tokenizer: &*tokenizer, obs, filter, block: BLOCK, engine };
    let done = tokenize::tokenize(job, output, description)?;
    args.report(&done)
}

impl Args {
    fn open(&self, given: Option<&Data>) -> ferrome_cell::Result<Box<dyn CellReader>> {
        self.reading.open((&self.input, &self.output), given)
    }

    // A suffix of a table is a table; everything else is the name of a folder, which may hold dots.
    fn output(&self) -> Result<Output> {
        if let Some(part) = self.sharding.output(&self.output, [self.input.as_path()])? {
            return Ok(part);
        }
        let suffix = self.output.extension().and_then(|suffix| suffix.to_str());
        let folder = self.output.as_os_str().as_encoded_bytes().ends_with(b"/") || self.output.is_dir();
        match suffix.filter(|_| !folder) {
            Some("parquet" | "arrow" | "feather") => (),
            Some("npy" | "csv") => {
                bail!("{}: lists of tokens need .parquet, .arrow or a folder for -o", self.output.display())
            }
            _ => return Ok(Output::hugging_face(&self.output)),
        }
        table(&self.output)
    }

    fn refuse_foreign_flags(&self) -> Result<()> {
        let foreign = match self.style {
            Style::ScGpt => self.geneformer.given(),
            Style::GeneformerV1 | Style::GeneformerV2 => self.scgpt.given(),
        };
        match foreign {
            Some(flag) => bail!("{flag} means nothing for --style {}", self.style),
            None => Ok(()),
        }
    }

    fn vocabulary(&self) -> Result<Vocabulary> {
        let vocabulary = Vocabulary::open(&self.vocabulary)?;
        if vocabulary.style() == self.style {
            return Ok(vocabulary);
        }
        let (path, expected, found) = (self.vocabulary.clone(), self.style, vocabulary.style());
        Err(Error::VocabularyStyle { path, expected, found }.into())
    }

    fn tokenizer(
        &self,
        vocabulary: &Vocabulary,
        matching: &Matching,
        header: &Header,
        (given, filter): (Option<&Data>, Option<&str>),
    ) -> Result<Box<dyn Tokenizer>> {
        if self.style != Style::ScGpt {
            let options = self.geneformer.options(&header.obs)?;
            self.say(&format!("total counts: {}", options.totals.describe()));
            return Ok(Box::new(Geneformer::new(vocabulary, matching, options)?));
        }
        let options = self.scgpt.options(header.kind)?;
        let tokenizer = scgpt::ScGpt::new(vocabulary, matching, options.clone())?;
        if !options.needs_survey() {
            return Ok(Box::new(tokenizer));
        }
        // Nothing is worth a pass over all cells when the genes do not match.
        matching.check(self.open(given)?.next_cells(BLOCK)?.as_ref())?;
        let panel = scgpt::survey(tokenizer.slots(), &options, || self.filtered(given, filter))?;
        self.say(&format!("{} genes become tokens", panel.len()));
        Ok(Box::new(tokenizer.with_panel(panel)))
    }

    fn filtered(&self, given: Option<&Data>, filter: Option<&str>) -> ferrome_cell::Result<Box<dyn CellReader>> {
        let reader = self.open(given)?;
        match filter {
            Some(column) => Ok(Box::new(Filtered::new(reader, column)?)),
            None => Ok(reader),
        }
    }

    fn description(
        &self,
        vocabulary: &Vocabulary,
        genes: &genes::Options,
        given: Option<&Data>,
    ) -> Result<RunDescription> {
        let mut description = RunDescription::new();
        input::describe(&mut description, &self.input, given)?;
        tokenize::describe_genes(&mut description, vocabulary, genes);
        description.set("allow_normalized", self.reading.allow_normalized);
        Ok(description)
    }

    fn report(&self, done: &Tokenized) -> Result<()> {
        let Tokenized { summary, without_genes, filtered, rounded } = done;
        if !summary.already_complete {
            let counts = [
                (without_genes, "cells have no gene of the vocabulary and no tokens"),
                (filtered, "cells were left out, because filter_pass is not 1 (--all-cells takes them)"),
                (rounded, "values within 0.001 of a whole number were rounded"),
            ];
            for (count, what) in counts.into_iter().filter(|(count, _)| **count > 0) {
                self.say(&format!("{count} {what}"));
            }
        }
        self.running.report_rows(summary)?;
        self.say(&mean_length(summary, &self.output));
        Ok(())
    }

    fn say(&self, line: &str) {
        if !self.running.quiet {
            eprintln!("{line}");
        }
    }
}

fn mean_length(summary: &Summary, output: &Path) -> String {
    let mean = summary.tokens as f64 / summary.unique.max(1) as f64;
    format!("{mean:.0} tokens a cell -> {}", output.display())
}
