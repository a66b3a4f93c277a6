//! The command line `ferrome`: one file per subcommand, and no science in it.
//!
//! It is a library, so that the binary and the Python package's command are the same ([`run`]), and so that a program can
//! call a subcommand and get its error ([`call`]).

#![allow(clippy::print_stderr)]

mod call;
pub mod cell;
mod demo;
mod doctor;
pub mod drug;
mod exit;
mod gather;
mod model;
mod options;
pub mod protein;
mod report;
mod sharding;
mod tell;

use std::ffi::OsString;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

pub use call::{Trouble, call, parse};
pub use exit::{Kind, end};
pub use options::LoadArgs;

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

/// Runs the command line `arguments`, the program's name first, and returns the exit code: 0 done, 1 the user's input, 2
/// usage, 3 a defect of ferrome, 130 interrupted. Catches Ctrl-C.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => exit::code_of(cli.command.run()),
        Err(message) => exit::after_parsing(&message),
    }
}

/// The whole command line as clap knows it: subcommands, options and their defaults.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

impl Command {
    fn run(self) -> Result<()> {
        match self {
            Self::Protein(command) => protein::run(command),
            Self::Cell(command) => cell::run(command),
            Self::Drug(command) => drug::run(command),
            Self::Model(command) => model::run(command),
            Self::Report(args) => report::run(&args),
            Self::Gather(args) => gather::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Demo(args) => demo::run(&args),
        }
    }
}
