//! `ferrome drug …`.

mod featurize;
mod score;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fingerprints, scaffolds, descriptors and atoms of a library, as RDKit has them
    Featurize(Box<featurize::Args>),
    /// Molecules against targets: affinity with standard deviation and interval, at any size
    Score(Box<score::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Featurize(args) => featurize::run(&args),
        Command::Score(args) => score::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome drug featurize library.smi -o features.parquet
  ferrome drug score library.smi --targets kinases.fasta -o scores.parquet";
