//! `ferrome gather`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ferrome_cell::write::h5ad::add_obsm;
use ferrome_core::{
    interrupt::Interrupt,
    journal::RunDescription,
    shard::{self, Gathered},
    table::{Format, Output},
};

use crate::options::{self, describe_input};

const EXAMPLES: &str = "\
Examples:
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini --shard 1/2 -o parts
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini --shard 2/2 -o parts
  ferrome gather parts -o proteins.parquet

Without -o it only looks whether all shards are there, whole, and of one plan.";

/// Joins the shards that --shard I/N wrote into the table that one process would have written
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder that all shards were written to
    #[arg(value_name = "PARTS")]
    folder: PathBuf,
    /// OUT.parquet, .arrow, .csv, .npy; for tokens also a folder that datasets.load_from_disk opens; for vectors of the
    /// cells of an h5ad also OUT.h5ad, a copy of it
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace an output that exists
    #[arg(long)]
    overwrite: bool,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let gathered = shard::gather(&args.folder)?;
    let mut line = gathered.to_string();
    if let Some(output) = &args.output {
        if output.extension().is_some_and(|suffix| suffix == "h5ad") {
            args.add_to_h5ad(&gathered, output)?;
        } else {
            gathered.write(&args.table(&gathered, output)?, args.overwrite, &Interrupt::on_signal()?)?;
        }
        line += &format!(" -> {}", output.display());
    }
    if !args.quiet {
        eprintln!("{line}");
    }
    Ok(())
}

impl Args {
    fn table(&self, gathered: &Gathered, path: &Path) -> Result<Output> {
        let output = Output::parse(path);
        if output.as_ref().is_ok_and(|output| output.format() != Format::Dataset) {
            return options::table(path);
        }
        if gathered.is_tokens() {
            return Ok(Output::hugging_face(path));
        }
        output?;
        bail!(
            "{}: the shards are a folder of Parquet files already: {}; choose .parquet, .arrow, .csv or .npy for -o",
            path.display(),
            self.folder.display()
        )
    }

    /// The copy of the h5ad that the cells came from, with their vectors.
    fn add_to_h5ad(&self, gathered: &Gathered, output: &Path) -> Result<()> {
        options::need_folder(output)?;
        let described = gathered.description.get("input").unwrap_or_default();
        // PATH, N bytes, xxh3 HASH
        let input = Path::new(described.rsplitn(3, ", ").nth(2).unwrap_or_default());
        let vocabulary = gathered.description.get("vocabulary").unwrap_or_default();
        if vocabulary.is_empty() || input.extension().is_none_or(|suffix| suffix != "h5ad") {
            bail!(
                "{}: the shards hold no vectors of the cells of an h5ad; choose another suffix for -o",
                output.display()
            );
        }
        options::refuse_existing(output, self.overwrite)?;
        let mut now = RunDescription::new();
        describe_input(&mut now, "input", input)?;
        if now.get("input") != Some(described) {
            bail!("{}: is no longer the file that the shards were made from", input.display());
        }
        let name = if vocabulary.starts_with("scgpt") { "X_scgpt" } else { "X_geneformer" };
        Ok(add_obsm(input, output, (&self.folder, "embedding"), name, gathered.summary.rows)?)
    }
}
