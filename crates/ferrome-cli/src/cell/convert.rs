//! `ferrome cell convert`.

mod describe;
mod report;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;
use ferrome_cell::read::{CellReader, ReadOptions, memory::Data};
use ferrome_cell::task::convert::{self, BLOCK, ConvertOptions};
use ferrome_cell::write::{self, WriteOptions, Written};
use ferrome_core::{interrupt::Interrupt, page::grouped};
use serde_json::json;

use super::input::{self, found};
use crate::options::{self, Running};
use report::Done;

const EXAMPLES: &str = "\
Examples:
  ferrome cell convert pbmc.h5ad -o pbmc
  ferrome cell convert filtered_feature_bc_matrix/ -o filtered.h5ad

The first writes pbmc/cells/part-*.parquet and pbmc/genes.parquet. Killed at any
moment, the same command goes on where it was. The second writes AnnData.";

const STATS: &str = "Write what the run did as JSON: format, layer, genes, cells, entries, rounded, rejected, run_seconds, \
                     peak_rss_bytes";

/// Reads any file of counts and writes a dataset of Parquet, an h5ad file or a 10x matrix folder
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(STATS)))]
pub(crate) struct Args {
    /// h5ad, 10x .h5, a 10x matrix folder, loom, Parquet (one row per cell, long or wide), or a dataset
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// A folder, or a file that ends in .h5ad
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What is written: dataset, h5ad or mtx [default: h5ad for a name that ends so, else dataset]
    #[arg(long, value_name = "KIND")]
    to: Option<Target>,
    /// The matrix to take: X, raw/X, or a layer [default: the first of X, raw/X, layers/counts that holds counts]
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Take values that are no counts as they are
    #[arg(long)]
    allow_normalized: bool,
    /// Parquet with token_id, ensembl_id and gene_symbol, for Parquet with token numbers [default: gene_metadata.parquet
    /// beside it]
    #[arg(long, value_name = "FILE")]
    gene_map: Option<PathBuf>,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Run")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    running: Running,
}

/// What is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Target {
    Dataset,
    H5ad,
    Mtx,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let started = Instant::now();
    if args
        .input
        .canonicalize()
        .ok()
        .is_some_and(|input| args.output.canonicalize().is_ok_and(|output| output == input))
    {
        bail!("{}: is the input; choose another -o", args.output.display());
    }
    let reader = input::open(&args.input, given, &args.read_options())?;
    let header = reader.header().clone();
    args.say(&found(&args.input, &header));
    for (frame, schema) in [("obs", header.obs.clone()), ("var", header.genes.columns.schema())] {
        if let Some(skipped) = schema.metadata().get("skipped") {
            args.say(&format!("columns of {frame} that cannot be read are left out: {skipped}"));
        }
    }
    let done = match args.target() {
        Target::Dataset => args.to_dataset(reader, given)?,
        Target::H5ad => args.to_file(reader, write::h5ad::write)?,
        Target::Mtx => args.to_file(reader, write::mtx::write)?,
    };
    if done.rounded > 0 {
        args.say(&format!("{} values within 0.001 of a whole number were rounded", grouped(done.rounded)));
    }
    let seconds = started.elapsed().as_secs_f64();
    let line = format!("{} in {seconds:.1} s", done.line(&args.output));
    let stats = json!({
        "format": header.format, "layer": header.layer, "genes": header.genes.len(), "cells": done.cells,
        "entries": done.entries, "rounded": done.rounded, "rejected": done.rejected, "run_seconds": seconds,
    });
    args.running.tell(&line, stats)
}

impl Args {
    fn target(&self) -> Target {
        let h5ad = self.output.extension().is_some_and(|suffix| suffix == "h5ad");
        self.to.unwrap_or(if h5ad { Target::H5ad } else { Target::Dataset })
    }

    fn threads(&self) -> NonZeroUsize {
        options::threads(self.threads)
    }

    fn read_options(&self) -> ReadOptions {
        let folder = self.output.parent().filter(|folder| folder.is_dir());
        ReadOptions {
            layer: self.layer.clone(),
            allow_floats: self.allow_normalized,
            threads: self.threads,
            scratch: folder.map(Path::to_owned),
            gene_map: self.gene_map.clone(),
        }
    }

    fn to_dataset(&self, reader: Box<dyn CellReader>, given: Option<&Data>) -> Result<Done> {
        let options = ConvertOptions { engine: self.running.engine(0, self.threads())?, block: BLOCK };
        let description = describe::run(self, given)?;
        let converted = convert::convert(reader, &self.output, &options, description)?;
        for (old, new) in &converted.renamed {
            self.say(&format!("column `{old}` is called `{new}` in the dataset, where `{old}` means something else"));
        }
        let summary = converted.summary;
        let before = if summary.already_complete {
            Some("already complete, nothing to do".to_owned())
        } else {
            (summary.resumed_rows > 0).then(|| format!("{} cells were done before", grouped(summary.resumed_rows)))
        };
        Ok(Done {
            cells: summary.rows,
            entries: summary.tokens,
            rounded: converted.rounded,
            rejected: summary.rejected.iter().map(|rejected| rejected.count).sum(),
            first: summary.rejected.first().map(|rejected| rejected.first.clone()),
            before,
        })
    }

    fn to_file(
        &self,
        mut reader: Box<dyn CellReader>,
        write: impl Fn(&mut dyn CellReader, &Path, &WriteOptions) -> ferrome_cell::Result<Written>,
    ) -> Result<Done> {
        let options = WriteOptions {
            strict: self.running.strict,
            overwrite: self.running.overwrite,
            quiet: self.running.quiet,
            interrupt: Interrupt::on_signal()?,
        };
        let written = write(reader.as_mut(), &self.output, &options)?;
        if !written.left_out.is_empty() {
            self.say(&format!("columns that the output cannot hold are left out: {}", written.left_out.join(", ")));
        }
        Ok(Done {
            cells: written.cells,
            entries: written.entries,
            rounded: written.rounded,
            rejected: written.rejected.len() as u64,
            first: written.rejected.first().map(|(name, _)| name.clone()),
            before: None,
        })
    }

    fn say(&self, line: &str) {
        if !self.running.quiet {
            eprintln!("{line}");
        }
    }
}
