//! `ferrome protein embed`.

mod describe;
mod input;

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Instant};

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use ferrome_core::{
    engine::{self, Job, Lanes, Summary, Totals},
    journal::refuse_output,
    shard::Portion,
    table::Output,
};
use ferrome_protein::{
    model::{self, OpenModel, Resident},
    read::{self, Protein, translate::Translation},
    task::embed::{self, EmbedOptions, EmbedTask, Long, LongPolicy, Pool},
};
use tch::Device;

use self::input::Input;
use crate::options::{self, Compute, LoadArgs, Running};
use crate::sharding::Sharding;

const EXAMPLES: &str = "\
Examples:
  ferrome protein embed proteins.fasta -m ferrome-esm2-mini -o proteins.parquet
  ferrome protein embed proteome.fasta.gz -m facebook/esm2_t33_650M_UR50D \\
      --dtype bf16 -o proteome/

The second writes a folder of Parquet parts. Killed at any moment, the same
command goes on where it was.";

/// Writes `id`, `length`, `embedding` and `error`, one row per record, in the order of the input
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// FASTA: plain, gzip or BGZF; `-` is standard input
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
    /// A folder, a file, a name in weights/, or one of `ferrome model list`
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// OUT.parquet, .npy, .arrow, .csv, or a folder of Parquet parts
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// How residues become one vector: mean, max, cls, or residue for all of them
    #[arg(long, default_value = "mean", value_name = "POOL")]
    pool: Pool,
    /// Layers, with commas: 0 is the embedding, -1 the last; several give columns embedding_N
    #[arg(long, default_value = "-1", value_name = "N", value_delimiter = ',', allow_hyphen_values = true)]
    layers: Vec<i64>,
    /// Also write logits over the 33 tokens for every residue
    #[arg(long)]
    logits: bool,
    /// Proteins that are too long: error, truncate or window [default: ESM-2 takes any length, the others error]
    #[arg(long, value_name = "CHOICE")]
    long: Option<Long>,
    /// Residues per window
    #[arg(long, default_value_t = 1022, value_name = "N")]
    window: usize,
    /// Residues that neighbouring windows share
    #[arg(long, default_value_t = 128, value_name = "N")]
    overlap: usize,
    /// The input is nucleotides: translate coding sequences by this NCBI genetic code (1 standard, 11 bacterial)
    #[arg(long, value_name = "TABLE")]
    translate: Option<u8>,
    /// With --translate: take the open reading frames of all six frames instead of whole coding sequences
    #[arg(long, requires = "translate")]
    orfs: bool,
    /// With --orfs: the shortest protein
    #[arg(long, requires = "orfs", default_value_t = read::translate::MIN_ORF, value_name = "N")]
    min_orf: usize,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    sharding: Sharding,
}

/// What is embedded, and with what, where the command line does not say.
#[derive(Debug, Default)]
pub struct Given {
    /// Instead of the files.
    pub proteins: Option<Vec<Protein>>,
    /// Instead of opening the model; the command line has its name.
    pub model: Option<Arc<Resident>>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    embed(args, Given::default()).map(drop)
}

/// Embeds what the command line names or the program gives.
///
/// # Errors
///
/// One line, as the command prints it.
pub fn embed(args: &Args, given: Given) -> Result<Summary> {
    let output = args.output()?;
    let threads = args.compute.threads();
    let (devices, first, kind) = args.compute.place()?;
    let input = Input::new(args, given.proteins, threads)?;

    let started = Instant::now();
    let model = given.model.map_or_else(|| resident(&args.model), Ok)?;
    let options = args.embed_options(&model.open)?;
    let batch_tokens = args.compute.batch_tokens.map_or(default_batch_tokens(first), NonZeroUsize::get);
    let description = describe::run(args, &input, &model, &options, (kind, first))?;

    let task = EmbedTask::new(options, &model.open.config);
    let (totals, residues) = (input.totals(args.orfs), input.residues());
    let portion =
        args.sharding.portion(&args.output, || totals.map_or_else(|| input.count(), |totals| Ok(totals.rows)))?;
    let totals = portion.as_ref().map_or(totals, |portion| Some(of_portion(portion, totals)));
    let batches =
        totals.and_then(|totals| totals.tokens).map_or(usize::MAX, |tokens| tokens as usize / batch_tokens + 1);
    let lanes = Lanes::share_out(threads.get(), batches);
    let workers = embed::workers(&task, &model, kind, &devices, lanes)?;
    let load_seconds = started.elapsed().as_secs_f64();

    let own: Box<dyn Iterator<Item = _> + Send> = match portion.clone() {
        Some(portion) => Box::new(portion.select(input.records())),
        None => Box::new(input.records()),
    };
    let options = engine::Options { portion, ..args.running.engine(batch_tokens, threads)? };
    let job = Job { task: &task, options, description, output, totals };
    let summary = engine::run(job, own, workers)?;
    args.running.report(&summary, load_seconds, residues)?;
    Ok(summary)
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

fn resident(name: &str) -> Result<Arc<Resident>> {
    Ok(Arc::new(Resident::new(model::open(&model::locate(name)?)?)))
}

impl Args {
    fn output(&self) -> Result<Output> {
        if let Some(part) = self.sharding.output(&self.output, self.inputs.iter().map(PathBuf::as_path))? {
            return Ok(part);
        }
        let output = options::table(&self.output)?;
        refuse_output(&output, self.running.overwrite)?;
        Ok(output)
    }

    fn translation(&self) -> Result<Option<Translation>> {
        let Some(table) = self.translate else { return Ok(None) };
        let translation = if self.orfs { Translation::orfs(table, self.min_orf)? } else { Translation::cds(table)? };
        Ok(Some(translation))
    }

    fn embed_options(&self, model: &OpenModel) -> Result<EmbedOptions> {
        let layers = embed::resolve_layers(&self.layers, model.config.num_hidden_layers)?;
        let long = LongPolicy::new(self.long, self.window, self.overlap, &model.config)?;
        Ok(EmbedOptions { pool: self.pool, layers, logits: self.logits, long })
    }
}

fn default_batch_tokens(device: Device) -> usize {
    if device == Device::Cpu { 2048 } else { 32_768 }
}

/// The share of a shard.
fn of_portion(portion: &Portion, totals: Option<Totals>) -> Totals {
    let share = |totals: Totals| {
        let tokens = u128::from(totals.tokens?) * u128::from(portion.len()) / u128::from(totals.rows.max(1));
        u64::try_from(tokens).ok()
    };
    Totals { rows: portion.len(), tokens: totals.and_then(share) }
}
