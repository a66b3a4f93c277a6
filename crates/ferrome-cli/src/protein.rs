//! `ferrome protein …`.

mod embed;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One vector per protein (or per residue) from ESM-2, ESM-1b or ESM-1v
    Embed(Box<embed::Args>),
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Embed(args) => embed::run(&args),
    }
}
