//! `ferrome demo`.
use anyhow::Result;

/// Embeds data/demo/proteins.fasta and shows nearest neighbours
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<()> {
    Ok(())
}
