//! `ferrome protein …`.

pub mod embed;
pub mod pretrain;

use std::{num::NonZeroUsize, path::Path};

use anyhow::Result;
use clap::Subcommand;
use ferrome_protein::read::{self, Protein};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One vector per protein (or per residue) from ESM-2, ESM-1b or ESM-1v
    Embed(Box<embed::Args>),
    /// Train an ESM-2 by masked language modelling, from scratch or from a checkpoint
    Pretrain(Box<pretrain::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Embed(args) => embed::run(&args),
        Command::Pretrain(args) => pretrain::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini -o proteins.parquet
  ferrome protein pretrain --help";

/// The proteins of one file; trouble with opening it is its only item.
fn one_file(path: &Path, threads: NonZeroUsize) -> Box<dyn Iterator<Item = ferrome_protein::Result<Protein>> + Send> {
    match read::open(path, threads) {
        Ok(fasta) => Box::new(fasta),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}
