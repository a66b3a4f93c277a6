//! The command line `ferrome`: one file per subcommand, and no science in it.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cell;
mod demo;
mod doctor;
mod drug;
mod exit;
mod gather;
mod model;
mod options;
mod protein;
mod report;
mod sharding;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  ferrome demo
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini -o proteins.parquet";

/// Bioinformatics foundation models from the command line: exact, fast and resumable.
#[derive(Debug, Parser)]
#[command(name = "ferrome", version, arg_required_else_help = true, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Proteins: embeddings and training of language models
    #[command(subcommand, after_help = protein::EXAMPLES)]
    Protein(protein::Command),
    /// Cells: counts, datasets and transcriptome tokens
    #[command(subcommand, after_help = cell::EXAMPLES)]
    Cell(cell::Command),
    /// Drugs: features of molecules, models of affinity, scores of libraries
    #[command(subcommand, after_help = drug::EXAMPLES)]
    Drug(drug::Command),
    /// Models by name: what there is, where it lies, downloads, checks
    #[command(subcommand, after_help = model::EXAMPLES)]
    Model(model::Command),
    /// One page to look at a table of embeddings or scores
    Report(Box<report::Args>),
    /// One table from the shards that many processes computed
    Gather(gather::Args),
    /// Versions, devices and instruction sets, and what would make Ferrome faster here
    Doctor(doctor::Args),
    /// What the models that ship say of well-known proteins, cells and drugs
    Demo(demo::Args),
}

fn main() {
    let cli = Cli::try_parse().unwrap_or_else(|message| exit::after_parsing(&message));
    let result = match cli.command {
        Command::Protein(command) => protein::run(command),
        Command::Cell(command) => cell::run(command),
        Command::Drug(command) => drug::run(command),
        Command::Model(command) => model::run(command),
        Command::Report(args) => report::run(&args),
        Command::Gather(args) => gather::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Demo(args) => demo::run(&args),
    };
    exit::end(result)
}
