//! `ferrome cell embed`.

mod describe;
pub(super) mod input;
mod output;

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Result, bail};
use clap::builder::NonEmptyStringValueParser;
use ferrome_cell::{
    model::{self, Family, OpenModel, Specials},
    task::{
        Resident,
        embed::{self, Batches, Compat, EmbedOptions, EmbedTask, Layer, Long, Pool},
        perturb::Names,
        tokenize::ObsColumns,
        train::vocabulary_name,
    },
};
use ferrome_core::{
    device::kind_name,
    engine::{self, Job, Lanes, Totals},
    journal::refuse_output,
    shard::Portion,
};
use tch::Device;

use input::Cells;

use super::Given;
use crate::options::{Compute, LoadArgs, Running};
use crate::sharding::Sharding;

const EXAMPLES: &str = "\
Examples:
  ferrome cell embed pbmc-tokens -m ctheodoris/Geneformer -o cells.parquet
  ferrome cell embed pbmc.h5ad -m Geneformer-V2-104M --vocabulary v2.json \\
      --pool mean -o pbmc.geneformer.h5ad

The second writes a copy of pbmc.h5ad with obsm[\"X_geneformer\"]. Killed at any
moment, the same command goes on where it was.";

/// Writes `cell_id`, `length`, `embedding`, the columns asked for and `error`, one row per cell, in the order of the input
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Tokens: a folder of `datasets`, Parquet or Arrow with `input_ids`; or cells, with --vocabulary: h5ad, 10x, a dataset
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// A folder of Geneformer or scGPT, a name in weights/, or one of `ferrome model list`
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// OUT.parquet, .npy, .arrow, .csv, a folder of Parquet parts; or OUT.h5ad, a copy of the h5ad with the vectors in obsm
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// How genes become one vector: cls, mean (of the genes alone), or gene for all of them [default: cls where the
    /// model has it, else mean]
    #[arg(long, value_name = "POOL")]
    pool: Option<Pool>,
    /// The layer: last, second-to-last, or its number (0 is the embedding) [default: second-to-last; for scGPT last]
    #[arg(long, value_name = "LAYER", allow_hyphen_values = true)]
    layer: Option<Layer>,
    /// Read the number of --layer as emb_layer of geneformer (0 last, -1 second to last) or helical (-1 last)
    #[arg(long, value_name = "TOOL")]
    compat: Option<Compat>,
    /// Cells with more tokens than the model has positions: error or truncate
    #[arg(long, default_value = "error", value_name = "CHOICE")]
    long: Long,
    /// The obs column of each cell's batch, for an scGPT that normalises each apart (such as `ferrome cell integrate` writes)
    #[arg(long, value_name = "COLUMN")]
    batch: Option<String>,
    /// Columns of obs that go along, with commas; NAME=NEW gives another name
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    obs: Vec<String>,
    #[command(flatten)]
    cells: Cells,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    sharding: Sharding,
}

pub(super) fn run(args: &Args, given: Given) -> Result<()> {
    let output = args.output()?;
    if !args.sharding.is_given() {
        refuse_output(&output.table, args.running.overwrite)?;
    }
    let threads = args.compute.threads();
    let (devices, first, kind) = args.compute.place()?;

    let started = Instant::now();
    let model = given.model.map_or_else(|| resident(&args.model), Ok)?;
    let opened = &model.open;
    let paths = (args.input.as_path(), args.output.as_path());
    let input = args.cells.open_portion(
        paths,
        given.cells.as_deref(),
        (threads, args.running.quiet),
        opened,
        &args.sharding,
    )?;
    let header = input.tokens.header().clone();
    let (records, specials) = embed::records(input.tokens, opened)?;
    let batches = Batches::of(opened, args.batch.as_deref(), &header.obs)?.map(Arc::new);
    let options = EmbedOptions { batches: batches.clone(), ..args.options(opened, specials)? };
    let obs = ObsColumns::new(&args.obs, &header.obs)?;
    let named = input.vocabulary.as_ref().filter(|_| options.pool == Pool::Gene);
    let names = named.map_or_else(|| "none".to_owned(), vocabulary_name);
    let description = describe::run(args, &model, &options, (kind, first), input.description)?.with("names", names);
    let batch_tokens = args.compute.batch_tokens.map_or(default_batch_tokens(first), NonZeroUsize::get);
    args.say(&format!(
        "{}: {}; {} of layer {} of {}, {}",
        args.input.display(),
        header.format,
        options.pool,
        options.layer,
        opened.blocks(),
        kind_name(kind)
    ));

    let mut task = EmbedTask::new(options, opened.width(), obs, &header.obs)?;
    if let Some(vocabulary) = named {
        task = task.with_names(Names::new(vocabulary))?;
    }
    let lanes = Lanes::share_out(threads.get(), header.rows.map_or(usize::MAX, |rows| rows as usize));
    let workers = embed::workers(&task, &model, kind, &devices, lanes)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let rows = input.portion.as_ref().map(Portion::len).or(header.rows);
    let totals = rows.map(|rows| Totals { rows, tokens: None });
    let own: Box<dyn Iterator<Item = _> + Send> = match &input.portion {
        Some(portion) if input.whole => Box::new(records.portion(portion)?),
        _ => Box::new(records),
    };
    let engine = engine::Options { portion: input.portion, ..args.running.engine(batch_tokens, threads)? };
    let job = Job { task: &task, options: engine, description, output: output.table.clone(), totals };
    let summary = match batches {
        Some(batches) => engine::run(job, batches.check(args.input.clone(), own), workers)?,
        None => engine::run(job, own, workers)?,
    };
    output.finish(args, opened.family(), &summary)?;
    args.running.report(&summary, load_seconds, 0)
}

/// Loads a model on each of its devices.
///
/// # Errors
///
/// One line, as `embed` prints it.
pub fn load(args: &LoadArgs) -> Result<Arc<Resident>> {
    let (devices, _, kind) = args.compute.place()?;
    let model = resident(&args.model)?;
    for device in devices {
        model.load(kind, device)?;
    }
    Ok(model)
}

pub(super) fn resident(name: &str) -> Result<Arc<Resident>> {
    Ok(Arc::new(Resident::new(model::open(&model::locate(name)?)?)))
}

impl Args {
    fn options(&self, model: &OpenModel, specials: Option<Specials>) -> Result<EmbedOptions> {
        let pool = match (self.pool, specials) {
            (Some(Pool::Cls), None) => bail!(
                "--pool cls needs `<cls>`, which the cells of {} do not have (Geneformer V1): choose mean or gene",
                self.model
            ),
            (Some(pool), _) => pool,
            (None, Some(_)) => Pool::Cls,
            (None, None) => Pool::Mean,
        };
        let scgpt = model.family() == Family::ScGpt;
        let layer = self.layer.unwrap_or(if scgpt { Layer::Last } else { Layer::SecondToLast });
        let layer = layer.resolve(self.compat, model.blocks())?;
        Ok(EmbedOptions {
            pool,
            layer,
            long: self.long,
            positions: model.positions(),
            specials,
            unit: scgpt,
            batches: None,
        })
    }

    fn say(&self, line: &str) {
        if !self.running.quiet {
            eprintln!("{line}");
        }
    }
}

fn default_batch_tokens(device: Device) -> usize {
    if device == Device::Cpu { 2048 } else { 32_768 }
}
