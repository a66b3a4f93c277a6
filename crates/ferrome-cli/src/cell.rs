//! `ferrome cell …`.

mod annotate;
mod convert;
mod count;
mod embed;
mod input;
mod map;
mod names;
mod qc;
mod tokenize;
mod train;
mod vocabulary;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Molecules per gene and cell from BAM or SAM
    Count(Box<count::Args>),
    /// AnnData, 10x, loom or Parquet to a sparse dataset, and back to h5ad or mtx
    Convert(Box<convert::Args>),
    /// The genes that a model knows: from published dictionaries, or new from a corpus
    #[command(subcommand, after_help = vocabulary::EXAMPLES)]
    Vocabulary(vocabulary::Command),
    /// A page about quality: counts, genes, mitochondrial share, token lengths
    Qc(Box<qc::Args>),
    /// Tokens for Geneformer and scGPT, as a Hugging Face dataset or Parquet
    Tokenize(Box<tokenize::Args>),
    /// Vectors of cells, or of their genes, by Geneformer and scGPT
    Embed(Box<embed::Args>),
    /// Trains a Geneformer: hidden genes, classes of cells, classes of genes
    Train(Box<train::Args>),
    /// The class of each cell, by a model that was trained to tell it
    Annotate(Box<annotate::Args>),
    /// Draws embedded cells as points in a plane
    Map(Box<map::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Count(args) => count::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Vocabulary(command) => vocabulary::run(&command),
        Command::Qc(args) => qc::run(&args),
        Command::Tokenize(args) => tokenize::run(&args),
        Command::Embed(args) => embed::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Annotate(args) => annotate::run(&args),
        Command::Map(args) => map::run(&args),
    }
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  ferrome cell count possorted_genome_bam.bam -o counts
  ferrome cell convert pbmc.h5ad -o pbmc
  ferrome cell tokenize pbmc --style geneformer-v2 --vocabulary v2.json -o out";
