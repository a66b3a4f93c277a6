//! What `ferrome cell count` writes.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use ferrome_cell::count::{self, Counted, Form, Options, Summary};
use ferrome_cell::task::convert::{self, BLOCK, ConvertOptions};
use ferrome_core::engine;
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::write_whole;
use fs_err::File;

use super::{Args, describe};
use crate::options::{need_folder, peak_memory, refuse_existing};

/// What was written.
pub(super) struct Written {
    pub(super) summary: Summary,
    pub(super) knee: PathBuf,
}

/// Refuses an output that exists, or has no folder to be in, before any work is done.
pub(super) fn check(args: &Args) -> Result<()> {
    let out = args.output.display();
    match args.form()? {
        // A run that was stopped goes on, and the engine refuses what belongs to another.
        None if args.output.is_file() => bail!("{out}: is a file, expected a folder for the dataset"),
        None => {}
        Some(_) if args.output.is_dir() => bail!("{out}: is a folder, expected a file for the table"),
        Some(_) => refuse_existing(&args.output, args.overwrite)?,
    }
    need_folder(&args.output)
}

/// Writes the counts and the knee plot.
pub(super) fn write(args: &Args, options: &Options, counted: Counted, interrupt: Interrupt) -> Result<Written> {
    let knee = args.knee.clone().unwrap_or_else(|| beside(&args.output));
    let plot = count::knee(counted.totals(), options.min_umis)?;
    let summary = counted.summary().clone();
    match args.form()? {
        Some(form) => table(&args.output, &counted, form)?,
        None => dataset(args, options, counted, interrupt)?,
    }
    write_whole(&knee, plot)?;
    Ok(Written { summary, knee })
}

fn beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".knee.svg");
    output.with_file_name(name)
}

fn dataset(args: &Args, options: &Options, counted: Counted, interrupt: Interrupt) -> Result<()> {
    let engine = engine::Options {
        threads: options.threads.get(),
        overwrite: args.overwrite,
        quiet: args.quiet,
        interrupt,
        ..engine::Options::default()
    };
    let options = ConvertOptions { engine, block: BLOCK };
    convert::convert(Box::new(counted), &args.output, &options, describe::run(args)?)?;
    Ok(())
}

// Written whole under another name, then renamed.
fn table(path: &Path, counted: &Counted, form: Form) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".ferrome-tmp");
    let unfinished = path.with_file_name(name);
    let mut file = BufWriter::new(File::create(&unfinished)?);
    counted.write_table(form, &mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(fs_err::rename(&unfinished, path)?)
}

/// Writes the file of `--stats`.
pub(super) fn stats(args: &Args, summary: &Summary, elapsed: Duration) -> Result<()> {
    let Some(path) = &args.stats else { return Ok(()) };
    let dropped: serde_json::Map<String, serde_json::Value> =
        summary.tally.reasons().map(|(reason, count)| (reason.reason().to_owned(), count.into())).collect();
    let stats = serde_json::json!({
        "run_seconds": elapsed.as_secs_f64(),
        "reads": summary.tally.reads,
        "counted_reads": summary.tally.counted,
        "dropped": dropped,
        "umis": summary.umis,
        "all_umis": summary.all_umis,
        "cells": summary.cells,
        "cells_left_out": summary.cells_left_out,
        "genes": summary.genes,
        "median_umis_per_cell": summary.median_umis,
        "saturation": summary.saturation(),
        "warnings": summary.warnings,
        "peak_rss_bytes": peak_memory(),
    });
    Ok(fs_err::write(path, format!("{stats:#}\n"))?)
}
