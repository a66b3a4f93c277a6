//! `ferrome drug …`.

mod evaluate;
mod featurize;
pub mod score;
mod train;

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;
use ferrome_drug::{read::Memory, task::score::Model};

use crate::{Cli, Trouble, parse};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a model of affinity or interaction on tables of pairs
    Train(Box<train::Args>),
    /// Measure a model on pairs with known values, beside simpler ones
    Evaluate(Box<evaluate::Args>),
    /// Molecules against targets: affinity with standard deviation and interval, at any size
    Score(Box<score::Args>),
    /// Fingerprints, scaffolds, descriptors and atoms of a library, as RDKit has them
    Featurize(Box<featurize::Args>),
}

/// What a program has that calls a subcommand, where the command line does not say it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Instead of the library, or of the file of `--pairs`, that the command line names.
    pub molecules: Option<Memory>,
    /// Instead of the file of `--targets`.
    pub targets: Option<Memory>,
    /// Instead of opening the model; the command line has its name.
    pub model: Option<Model>,
    /// Instead of what the file of a training's configuration holds.
    pub config: Option<String>,
}

/// Runs a subcommand, such as `["drug", "featurize", "molecules", "-o", "features/"]`, with what the program gives: molecules to
/// `featurize` and `score`, targets and a model to `score`, a configuration to `train` and `evaluate`.
///
/// # Errors
///
/// What `ferrome` would print.
pub fn call(arguments: impl IntoIterator<Item = OsString>, given: &Given) -> Result<(), Trouble> {
    let cli: Cli = parse(arguments)?;
    match cli.command {
        crate::Command::Drug(command) => Ok(run_with(command, given)?),
        other => Ok(other.run()?),
    }
}

pub(crate) fn run(command: Command) -> Result<()> {
    run_with(command, &Given::default())
}

fn run_with(command: Command, given: &Given) -> Result<()> {
    match command {
        Command::Train(args) => train::run(&args, given.config.as_deref()),
        Command::Evaluate(args) => evaluate::run(&args, given.config.as_deref()),
        Command::Score(args) => score::run(&args, given),
        Command::Featurize(args) => featurize::run(&args, given.molecules.as_ref()),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome drug featurize library.smi -o features.parquet
  ferrome drug score library.smi --targets kinases.fasta -o scores.parquet";
