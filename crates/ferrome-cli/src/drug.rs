//! `ferrome drug …`.

mod evaluate;
mod featurize;
pub(crate) mod score;
mod train;

use anyhow::Result;
use clap::Subcommand;

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

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Featurize(args) => featurize::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome drug featurize library.smi -o features.parquet
  ferrome drug score library.smi --targets kinases.fasta -o scores.parquet";
