//! `ferrome cell network`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use ferrome_cell::community;
use ferrome_cell::model::{self, OpenModel};
use ferrome_cell::read::tokens::{self, TokenCell};
use ferrome_cell::task::network::{self, Attention, Contrast, Network, NetworkModel, Panel, Survey};
use ferrome_cell::vocabulary::Vocabulary;
use ferrome_core::device::DeviceChoice;
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::RunDescription;
use serde_json::json;
use tch::Device;

use super::input::grouped;
use crate::options::{Running, describe_input};

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

pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    args.prepare_output()?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
    tch::set_num_threads(i32::try_from(threads)?);
    let opened = model::open(&model::locate(&args.model)?)?;
    let vocabulary = args.vocabulary(&opened)?;
    let survey = args.input.as_deref().map(|path| network::survey(path, args.condition.as_deref())).transpose()?;
    let panel = args.panel(&vocabulary, survey.as_ref())?;
    let model = NetworkModel::load(&opened, device)?;
    let found = match args.kind()? {
        From::Embeddings => args.of_embeddings(&model, &panel)?,
        From::Attention => args.of_attention(&model, &panel, survey.as_ref())?,
    };
    let suffix = match args.format {
        TableFormat::Parquet => "parquet",
        TableFormat::Csv => "csv",
        TableFormat::Arrow => "arrow",
    };
    network::write(&found.networks, &panel, &args.output, suffix, &args.describe(&opened)?)?;
    args.tell(&found, &panel, started)
}

/// What a run found.
struct Found {
    networks: Vec<Network>,
    cells: u64,
    rejected: (u64, Option<String>),
}

impl Args {
    fn prepare_output(&self) -> Result<()> {
        let taken = self.output.is_dir() && fs_err::read_dir(&self.output)?.next().is_some();
        if (taken || self.output.is_file()) && !self.running.overwrite {
            bail!("{}: exists already; pass --overwrite to replace it, or choose another name", self.output.display());
        }
        Ok(fs_err::create_dir_all(&self.output)?)
    }

    fn kind(&self) -> Result<From> {
        let kind = self.from.unwrap_or(if self.input.is_some() { From::Attention } else { From::Embeddings });
        ensure!(kind == From::Embeddings || self.input.is_some(), "--from attention needs TOKENS");
        Ok(kind)
    }

    fn vocabulary(&self, opened: &OpenModel) -> Result<Vocabulary> {
        if let Some(path) = &self.vocabulary {
            return Ok(Vocabulary::open(path)?);
        }
        match opened {
            OpenModel::ScGpt(model) => Ok(model.vocabulary()?),
            OpenModel::Geneformer(model) => match &model.vocabulary {
                Some(vocabulary) => Ok(vocabulary.clone()),
                None => bail!("{}: no vocabulary beside the model; give one with --vocabulary", model.path.display()),
            },
            _ => bail!("{}: this family of models has no networks", opened.path().display()),
        }
    }

    fn panel(&self, vocabulary: &Vocabulary, survey: Option<&Survey>) -> Result<Panel> {
        let panel = match (&self.gene_list, survey) {
            (Some(path), _) => {
                let text = fs_err::read_to_string(path)?;
                let names: Vec<String> =
                    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
                let (panel, unknown) = Panel::named(vocabulary, &names);
                if let Some(first) = unknown.first() {
                    let (count, all) = (unknown.len(), names.len());
                    eprintln!(
                        "{}: {count} of {all} names are no genes of the model, such as `{first}`",
                        path.display()
                    );
                }
                panel
            }
            (None, Some(survey)) => Panel::frequent(vocabulary, survey, self.genes as usize),
            (None, None) => Panel::all(vocabulary),
        };
        ensure!(panel.len() > 1, "a network needs two genes, found {}", panel.len());
        Ok(panel)
    }

    fn modules(&self) -> community::Options {
        community::Options { resolution: self.resolution, seed: self.seed, ..community::Options::default() }
    }

    fn of_embeddings(&self, model: &NetworkModel, panel: &Panel) -> Result<Found> {
        let embeddings = model.gene_embeddings(panel.tokens())?;
        let network = network::of_embeddings(&embeddings, self.neighbours as usize, &self.modules())?;
        Ok(Found { networks: vec![network], cells: 0, rejected: (0, None) })
    }

    fn of_attention(&self, model: &NetworkModel, panel: &Panel, survey: Option<&Survey>) -> Result<Found> {
        let (Some(path), Some(survey)) = (&self.input, survey) else { bail!("--from attention needs TOKENS") };
        if let Some(control) = self.control.as_deref().filter(|control| !survey.conditions.contains_key(*control)) {
            let known: Vec<String> = survey.conditions.keys().take(10).map(|name| format!("`{name}`")).collect();
            bail!("{}: no cell of the condition `{control}`; there are {}", path.display(), known.join(", "));
        }
        let layer = match self.layer {
            Block::Last => model.blocks(),
            Block::Number(number) => number,
        };
        let mut attention = Attention::new(model, panel, layer, self.condition.as_deref());
        self.add_all(path, &mut attention)?;
        let contrast = Contrast {
            control: self.control.as_deref(),
            edges: self.edges as usize,
            min_cells: self.min_cells,
            modules: self.modules(),
        };
        let networks = attention.networks(&contrast);
        Ok(Found { networks, cells: attention.cells, rejected: attention.rejected })
    }

    fn add_all(&self, path: &Path, attention: &mut Attention) -> Result<()> {
        let interrupt = Interrupt::on_signal()?;
        let (mut batch, mut length): (Vec<TokenCell>, usize) = (Vec::new(), 0);
        for cell in tokens::open(path)? {
            let cell = cell?;
            let tokens = cell.tokens.as_ref().map_or(0, Vec::len);
            if length + tokens > self.batch_tokens && !batch.is_empty() {
                attention.add(std::mem::take(&mut batch))?;
                length = 0;
                ensure!(!interrupt.is_raised(), "stopped: nothing was written; the same command starts again");
            }
            length += tokens;
            batch.push(cell);
        }
        attention.add(batch)?;
        if let Some(reason) = attention.rejected.1.as_ref().filter(|_| self.running.strict) {
            bail!("{}: {reason}", path.display());
        }
        Ok(())
    }

    fn describe(&self, opened: &OpenModel) -> Result<RunDescription> {
        let mut description = RunDescription::new()
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("model", &self.model)
            .with("model_tensors", opened.fingerprint()?)
            .with("resolution", self.resolution)
            .with("seed", self.seed);
        if let Some(path) = &self.input {
            describe_input(&mut description, "input", path)?;
        }
        Ok(description)
    }

    fn tell(&self, found: &Found, panel: &Panel, started: Instant) -> Result<()> {
        if let (count @ 1.., Some(first)) = &found.rejected {
            eprintln!("{count} cells were left out, the first: {first}");
        }
        let each = found.networks.iter().map(|network| {
            let name = network.condition.as_deref().map_or_else(String::new, |name| format!("{name}: "));
            format!("{name}{} edges, {} modules", grouped(network.edges.len() as u64), network.count())
        });
        let seconds = started.elapsed().as_secs_f64();
        let cells = if found.cells > 0 { format!(", {} cells", grouped(found.cells)) } else { String::new() };
        let line = format!(
            "{} genes{cells}: {} in {seconds:.1} s -> {}",
            grouped(panel.len() as u64),
            each.collect::<Vec<_>>().join("; "),
            self.output.display()
        );
        let networks = found.networks.iter().map(
            |network| json!({"condition": network.condition, "edges": network.edges.len(), "modules": network.count()}),
        );
        let stats = json!({"run_seconds": seconds, "genes": panel.len(), "cells": found.cells,
            "rejected": found.rejected.0, "networks": networks.collect::<Vec<_>>()});
        self.running.tell(&line, stats)
    }
}
