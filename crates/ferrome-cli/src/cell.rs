//! `ferrome cell …`.

mod count;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Molecules per gene and cell from BAM or SAM
    Count(Box<count::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Count(args) => count::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell count possorted_genome_bam.bam --format umi-tools -o counts.tsv
  ferrome cell count --help";
