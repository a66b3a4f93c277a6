//! `ferrome cell …`.

mod count;
mod convert;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Molecules per gene and cell from BAM or SAM
    Count(Box<count::Args>),
    /// AnnData, 10x, loom or Parquet to a sparse dataset, and back to h5ad or mtx
    Convert(Box<convert::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Count(args) => count::run(&args),
        Command::Convert(args) => convert::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell count possorted_genome_bam.bam --format umi-tools -o counts.tsv
  ferrome cell count --help";
  ferrome cell convert pbmc.h5ad -o pbmc
  ferrome cell convert --help";
