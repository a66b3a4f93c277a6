//! `ferrome cell network`.

mod compute;
mod panel;
mod report;
mod tokens;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ferrome_cell::model;
use ferrome_cell::read::memory::Data;
use ferrome_cell::task::embed;
use ferrome_cell::task::network::{self, NetworkModel};
use ferrome_core::{Error, device::DeviceChoice, interrupt::Interrupt};
use tch::Device;

use self::tokens::Tokens;
use super::go_on;
use crate::options::{self, Running};

const EXAMPLES: &str = "\
Examples:
  ferrome cell network -m scGPT_human -o modules --resolution 2 --format csv
  ferrome cell network tokens.parquet -m scGPT_human -o rewired \\
      --condition disease --control healthy --min-cells 3

The first takes genes for alike that are alike to the model before it has seen a
cell. The second ranks what genes attend to in the cells of each condition, and
gives the pairs whose rank rises most against the control.

OUT/edges has condition, source, target, weight, rank, control_rank, cells;
OUT/modules has condition, gene, module, genes.";

const STATS: &str = "Write what the run did as JSON: run_seconds, genes, cells, rejected, networks, peak_rss_bytes";

/// What edges are read off.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum From {
    /// What genes are to the model before it has seen a cell
    Embeddings,
    /// What genes attend to in cells
    Attention,
}

/// The suffix of both tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum TableFormat {
    Parquet,
    Csv,
    Arrow,
}

/// Writes two tables into a folder: edges between genes, and the modules that the Leiden algorithm finds in them
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(STATS)))]
pub(crate) struct Args {
    /// Tokens from `ferrome cell tokenize` or the `datasets` library
    #[arg(value_name = "TOKENS")]
    input: Option<PathBuf>,
    /// Geneformer or scGPT: a folder, a file, or a name
    #[arg(short, long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    model: String,
    /// The folder to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What edges are read off [default: attention where TOKENS are given, embeddings otherwise]
    #[arg(long, value_name = "WHAT")]
    from: Option<From>,
    /// The model's genes, where there is no vocabulary beside it: a file of `ferrome cell vocabulary`
    #[arg(long, value_name = "VOCAB.json")]
    vocabulary: Option<PathBuf>,
    /// Only these genes, one id or symbol per line
    #[arg(long, value_name = "FILE")]
    gene_list: Option<PathBuf>,
    /// Without --gene-list, and with TOKENS: so many genes, those that most cells have
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    genes: u32,
    /// Embeddings: neighbours of each gene
    #[arg(long, default_value_t = 15, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    neighbours: u32,
    /// Attention: the block, from 1, or last
    #[arg(long, default_value = "last", value_name = "N", value_parser = block)]
    layer: Block,
    /// Attention: the column that tells conditions apart
    #[arg(long, value_name = "COLUMN")]
    condition: Option<String>,
    /// Attention: the condition that the others are compared with
    #[arg(long, value_name = "VALUE", requires = "condition")]
    control: Option<String>,
    /// Attention: the most edges of a network
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    edges: u32,
    /// Attention: leave out pairs of genes that fewer cells of a condition have
    #[arg(long, default_value_t = 10, value_name = "N")]
    min_cells: u32,
    /// Modules: the higher, the more and smaller
    #[arg(long, default_value_t = 1.0, value_name = "R", value_parser = resolution)]
    resolution: f64,
    /// Modules: where chance begins
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// The format of both tables
    #[arg(long, default_value = "parquet", value_name = "FORMAT")]
    format: TableFormat,
    /// Where to run: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// Tokens computed at a time
    #[arg(long, default_value_t = 4096, value_name = "N", help_heading = "Compute")]
    batch_tokens: usize,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    running: Running,
}

/// A block of the model.
#[derive(Clone, Copy, Debug)]
enum Block {
    Last,
    Number(usize),
}

fn block(text: &str) -> Result<Block, String> {
    let number = || text.parse().ok().filter(|&number: &usize| number > 0).map(Block::Number);
    if text == "last" { Ok(Block::Last) } else { number().ok_or_else(|| "expected last, or a number from 1".into()) }
}

fn resolution(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".into())
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let started = Instant::now();
    let interrupt = Interrupt::on_signal()?;
    args.refuse_output()?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = options::threads(args.threads);
    tch::set_num_threads(i32::try_from(threads.get())?);
    let opened = model::open(&model::locate(&args.model)?)?;
    let vocabulary = args.vocabulary(&opened)?;
    let tokens = Tokens::of(args, given, (&opened, &vocabulary), threads)?;
    if let Some(tokens) = &tokens {
        embed::records(tokens.open()?, &opened)?; // refuses tokens of another model
    }
    let survey = match &tokens {
        Some(tokens) => Some(network::survey(tokens.open()?, args.condition.as_deref())?),
        None => None,
    };
    let panel = args.panel(&vocabulary, survey.as_ref())?;
    let model = NetworkModel::load(&opened, device)?;
    let found = match args.kind()? {
        From::Embeddings => args.of_embeddings(&model, &panel)?,
        From::Attention => args.of_attention(&model, &panel, tokens.as_ref().zip(survey.as_ref()), &interrupt)?,
    };
    go_on(&interrupt, ferrome_cell::Error::Stopped)?;
    fs_err::create_dir_all(&args.output)?;
    let suffix = match args.format {
        TableFormat::Parquet => "parquet",
        TableFormat::Csv => "csv",
        TableFormat::Arrow => "arrow",
    };
    network::write(&found.networks, &panel, &args.output, suffix, &args.describe(&opened, given)?)?;
    args.tell(&found, &panel, started)
}

impl Args {
    fn refuse_output(&self) -> Result<()> {
        let taken = self.output.is_dir() && fs_err::read_dir(&self.output)?.next().is_some();
        if (taken || self.output.is_file()) && !self.running.overwrite {
            return Err(Error::OutputExists { path: self.output.clone() }.into());
        }
        Ok(())
    }

    fn kind(&self) -> Result<From> {
        let kind = self.from.unwrap_or(if self.input.is_some() { From::Attention } else { From::Embeddings });
        ensure!(kind == From::Embeddings || self.input.is_some(), "--from attention needs TOKENS");
        Ok(kind)
    }
}
