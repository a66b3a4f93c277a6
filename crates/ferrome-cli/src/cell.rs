//! `ferrome cell …`.

mod annotate;
mod convert;
mod count;
pub mod embed;
mod input;
mod integrate;
mod map;
mod names;
mod network;
mod perturb;
mod predict_perturbation;
mod qc;
mod tokenize;
mod tokens;
mod train;
mod vocabulary;

use std::{ffi::OsString, sync::Arc};

use anyhow::Result;
use clap::Subcommand;
use ferrome_cell::{Error, read::memory::Data, task::Resident};
use ferrome_core::interrupt::Interrupt;

use crate::{Cli, Trouble, parse};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Molecules per gene and cell from BAM or SAM
    Count(Box<count::Args>),
    /// AnnData, 10x, loom or Parquet to a sparse dataset, and back to h5ad or mtx
    Convert(Box<convert::Args>),
    /// The genes that a model knows: from published dictionaries, or from a corpus
    #[command(subcommand, after_help = vocabulary::EXAMPLES)]
    Vocabulary(vocabulary::Command),
    /// A page about quality: counts, genes, mitochondrial share, token lengths
    Qc(Box<qc::Args>),
    /// Tokens for Geneformer and scGPT, as a Hugging Face dataset or Parquet
    Tokenize(Box<tokenize::Args>),
    /// Vectors of cells, or of their genes, by Geneformer and scGPT
    Embed(Box<embed::Args>),
    /// Batches brought together by a fine-tuned scGPT, scored as scIB does
    Integrate(Box<integrate::Args>),
    /// In-silico perturbation: what deleting or over-expressing genes does to cells
    Perturb(Box<perturb::Args>),
    /// Gene networks: genes alike to a model, and pairs that it attends to
    Network(Box<network::Args>),
    /// What cells express after genes are perturbed, by scGPT's generator
    #[command(subcommand, after_help = predict_perturbation::EXAMPLES)]
    PredictPerturbation(predict_perturbation::Command),
    /// Trains Geneformer or scGPT: hidden genes, classes of cells or of genes
    Train(Box<train::Args>),
    /// The class of each cell, by a model that was trained to tell it
    Annotate(Box<annotate::Args>),
    /// Draws embedded cells as points in a plane
    Map(Box<map::Args>),
}

/// What a program has that calls a subcommand, where the command line does not say it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Instead of the file of cells that the command line names.
    pub cells: Option<Arc<Data>>,
    /// Instead of opening the model; the command line has its name.
    pub model: Option<Arc<Resident>>,
}

/// Runs a subcommand, such as `["cell", "embed", "AnnData", "-m", "model", "-o", "vectors/"]`, with what the program gives:
/// cells to those that read counts or their tokens, a model to `embed` and `annotate`.
///
/// # Errors
///
/// What `ferrome` would print.
pub fn call(arguments: impl IntoIterator<Item = OsString>, given: Given) -> Result<(), Trouble> {
    let cli: Cli = parse(arguments)?;
    match cli.command {
        crate::Command::Cell(command) => Ok(run_with(command, given)?),
        other => Ok(other.run()?),
    }
}

pub(crate) fn run(command: Command) -> Result<()> {
    run_with(command, Given::default())
}

fn run_with(command: Command, given: Given) -> Result<()> {
    let cells = given.cells.clone();
    match command {
        Command::Count(args) => count::run(&args),
        Command::Convert(args) => convert::run(&args, cells.as_deref()),
        Command::Vocabulary(command) => vocabulary::run(&command, cells.as_deref()),
        Command::Qc(args) => qc::run(&args, cells.as_deref()),
        Command::Tokenize(args) => tokenize::run(&args, cells.as_deref()),
        Command::Embed(args) => embed::run(&args, given),
        Command::Integrate(args) => integrate::run(&args, cells.as_deref()),
        Command::Perturb(args) => perturb::run(&args, cells.as_deref()),
        Command::Network(args) => network::run(&args, cells.as_deref()),
        Command::PredictPerturbation(command) => predict_perturbation::run(&command, cells.as_deref()),
        Command::Train(args) => train::run(&args),
        Command::Annotate(args) => annotate::run(&args, given),
        Command::Map(args) => map::run(&args),
    }
}

// Ends work that someone stopped, with what `stopped` says of it.
fn go_on(interrupt: &Interrupt, stopped: Error) -> Result<()> {
    if interrupt.is_raised() { Err(stopped.into()) } else { Ok(()) }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell count possorted_genome_bam.bam -o counts
  ferrome cell convert pbmc.h5ad -o pbmc
  ferrome cell tokenize pbmc --style geneformer-v2 --vocabulary v2.json -o out";
