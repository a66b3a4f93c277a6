//! `ferrome cell qc`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use ferrome_cell::{
    Error,
    genes::Matching,
    qc::{self, Options, Report},
    read::memory::Data,
    tokenize::Style,
    vocabulary::Vocabulary,
};
use ferrome_core::{interrupt::Interrupt, journal::write_whole};
use serde_json::json;

use super::{
    input::{Reading, found},
    names::Names,
};
use crate::options::{Running, need_folder, refuse_existing};
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome cell qc pbmc.h5ad -o pbmc.html
  ferrome cell qc pbmc.h5ad --vocabulary v2.json -o tokens.html \\
      --json tokens.json

The second also says how many genes the vocabulary knows, how long cells are as
tokens, and how many are truncated.";

const STATS: &str = "Write what the run did as JSON: rows, rejected, run_seconds, peak_rss_bytes";

/// Writes one HTML page: counts and genes per cell, mitochondrial share, most expressed genes, token lengths
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(STATS)))]
pub(crate) struct Args {
    /// h5ad, 10x .h5, a 10x matrix folder, loom, Parquet, or a dataset
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The page; it loads nothing from elsewhere
    #[arg(short, long, value_name = "REPORT.html")]
    output: PathBuf,
    /// Also write all numbers as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A vocabulary from `ferrome cell vocabulary`: also matched genes, token lengths and truncated cells
    #[arg(long, value_name = "VOCAB.json")]
    vocabulary: Option<PathBuf>,
    /// Whose tokens: geneformer-v1, geneformer-v2 or scgpt [default: that of the vocabulary]
    #[arg(long, value_name = "STYLE", requires = "vocabulary")]
    style: Option<Style>,
    /// The most tokens of a cell [default: 2048 for geneformer-v1, 4096 for geneformer-v2, 1200 for scgpt]
    #[arg(long, value_name = "N", requires = "vocabulary", value_parser = clap::value_parser!(u32).range(3..))]
    max_length: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    running: Running,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let started = Instant::now();
    args.check_outputs()?;
    let vocabulary = args.vocabulary()?;
    let genes = args.names.options()?;
    let mut reader = args.reading.open((&args.input, &args.output), given)?;
    let header = reader.header().clone();
    let matching =
        vocabulary.as_ref().map(|vocabulary| Matching::new(&header.genes, vocabulary, &genes)).transpose()?;
    args.say(&found(&args.input, &header));
    if let Some(matching) = &matching {
        // Every run says what share of the genes matched.
        tell::say(&matching.statistics);
    }
    let options = Options {
        max_length: args.max_length.map(|length| length as usize),
        strict: args.running.strict,
        quiet: args.running.quiet,
        interrupt: Interrupt::on_signal()?,
    };
    let report = qc::survey(reader.as_mut(), vocabulary.as_ref().zip(matching.as_ref()), &options)?;
    args.write(&report)?;
    let seconds = started.elapsed().as_secs_f64();
    let line = format!("{} in {seconds:.1} s -> {}", report.line(), args.output.display());
    let stats = json!({"rows": report.cells(), "rejected": report.rejected(), "run_seconds": seconds});
    args.running.tell(&line, stats)
}

impl Args {
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.output), self.json.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    fn check_outputs(&self) -> Result<()> {
        for path in self.outputs() {
            refuse_existing(path, self.running.overwrite)?;
            need_folder(path)?;
        }
        Ok(())
    }

    fn vocabulary(&self) -> Result<Option<Vocabulary>> {
        let Some(path) = &self.vocabulary else { return Ok(None) };
        let vocabulary = Vocabulary::open(path)?;
        match self.style.filter(|&style| style != vocabulary.style()) {
            Some(expected) => {
                Err(Error::VocabularyStyle { path: path.clone(), expected, found: vocabulary.style() }.into())
            }
            None => Ok(Some(vocabulary)),
        }
    }

    fn write(&self, report: &Report) -> Result<()> {
        let name = self.input.file_name().unwrap_or(self.input.as_os_str());
        write_whole(&self.output, report.page(&name.to_string_lossy())?)?;
        if let Some(path) = &self.json {
            write_whole(path, format!("{:#}\n", report.numbers()))?;
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        if !self.running.quiet {
            eprintln!("{line}");
        }
    }
}
