//! `ferrome cell annotate`.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use ferrome_cell::task::{
    annotate::{self, AnnotateTask},
    embed::{self, EmbedOptions, EmbedTask, Long, Pool},
    tokenize::ObsColumns,
};
use ferrome_core::{
    device::kind_name,
    engine::{self, Job, Lanes, Totals},
    journal::refuse_output,
};
use tch::Device;

use super::{
    Given,
    embed::{self as embedding, input::Cells},
};
use crate::options::{self, Compute, Running};

const EXAMPLES: &str = "\
Examples:
  ferrome cell annotate pbmc-tokens -m pbmc-types -o annotated.parquet
  ferrome cell annotate pbmc.h5ad -m pbmc-types --threshold 0.5 -o annotated.csv

MODEL is what `ferrome cell train --objective classify --label COLUMN` made of a
Geneformer or an scGPT, or any BertForSequenceClassification on a Geneformer.
Killed at any moment, the same command goes on where it was.";

/// Writes `cell_id`, `length`, the columns asked for, `label`, `probability`, `entropy` (nats) and `error`, one row per cell, in
/// the order of the input
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Tokens: a folder of `datasets`, Parquet or Arrow with `input_ids`; or cells: h5ad, 10x, a dataset
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// A folder
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// OUT.parquet, .arrow, .csv, or a folder of Parquet parts
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Cells whose most probable class is less probable are called unassigned
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    threshold: f64,
    /// Cells with more tokens than the model has positions: error or truncate
    #[arg(long, default_value = "truncate", value_name = "CHOICE")]
    long: Long,
    /// Columns of obs that go along, with commas; NAME=NEW gives another name
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    obs: Vec<String>,
    #[command(flatten)]
    cells: Cells,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    running: Running,
}

pub(super) fn run(args: &Args, given: Given) -> Result<()> {
    let output = options::table(&args.output)?;
    refuse_output(&output, args.running.overwrite)?;
    let threads = args.compute.threads();
    let (devices, first, kind) = args.compute.place()?;

    let started = Instant::now();
    let model = given.model.map_or_else(|| embedding::resident(&args.model), Ok)?;
    let opened = &model.open;
    let classes = annotate::classes(opened)?;
    let paths = (args.input.as_path(), args.output.as_path());
    let input = args.cells.open(paths, given.cells.as_deref(), threads, args.running.quiet, opened)?;
    let header = input.tokens.header().clone();
    let (records, specials) = embed::records(input.tokens, opened)?;
    let (layer, positions) = (opened.blocks(), opened.positions());
    let cells =
        EmbedOptions { pool: Pool::Cls, layer, long: args.long, positions, specials, unit: false, batches: None };
    let obs = ObsColumns::new(&args.obs, &header.obs)?;
    let cells = EmbedTask::new(cells, opened.width(), obs, &header.obs)?;
    let description = input
        .description
        .with("model", &args.model)
        .with("model.fingerprint", model.fingerprint()?)
        .with("classes", classes.names.join(","))
        .with("threshold", args.threshold)
        .with("long", args.long)
        .with("carried", args.obs.join(","))
        .with("dtype", kind_name(kind))
        .with("device", options::device_kind(first));
    if !args.running.quiet {
        eprintln!("{}: {}; {} classes", args.input.display(), header.format, classes.names.len());
    }

    let task = AnnotateTask::new(cells, classes, args.threshold)?;
    let lanes = Lanes::share_out(threads.get(), header.rows.map_or(usize::MAX, |rows| rows as usize));
    let workers = annotate::workers(&task, &model, kind, &devices, lanes)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let totals = header.rows.map(|rows| Totals { rows, tokens: None });
    let batch_tokens =
        args.compute.batch_tokens.map_or(if first == Device::Cpu { 2048 } else { 65_536 }, NonZeroUsize::get);
    let job = Job { task: &task, options: args.running.engine(batch_tokens, threads)?, description, output, totals };
    let summary = engine::run(job, records, workers)?;
    args.running.report(&summary, load_seconds, 0)
}
