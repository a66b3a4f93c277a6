//! `ferrome drug …`.

mod featurize;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fingerprints, scaffolds, descriptors and atoms of a library, as RDKit has them
    Featurize(Box<featurize::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Featurize(args) => featurize::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome drug featurize library.smi -o features.parquet
  ferrome drug featurize library.smi -o ecfp4/ --what ecfp4";
