//! `ferrome drug score`.

mod summary;
mod targets;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Result, anyhow, bail};
use clap::{ValueEnum, builder::NonEmptyStringValueParser};
use ferrome_core::{device::DeviceChoice, engine, journal::RunDescription};
use ferrome_drug::{
    checkpoint::{FAST, Folder, locate},
    inputs::Embeddings,
    read::{self, Pairs},
    task::score::{self, Job, Model, Rank},
};

use super::{
    Given,
    featurize::{LibraryColumns, describe_given},
};
use crate::options::{self, Running, describe_input};
use crate::sharding::Sharding;

const EXAMPLES: &str = "\
Examples:
  ferrome drug score library.smi --targets kinases.fasta -o scores.parquet
  ferrome drug score --pairs pairs.csv -m ferrome-dta-davis -o scores.csv --sort

A row that cannot be scored keeps its place, with nulls and the reason.
in_domain: the most similar training molecule has a Tanimoto similarity (ECFP4)
of at least 0.4. lower and upper hold the truth with the probability of
--confidence, as far as new molecules are like those of the validation set.
Killed at any moment, the same command goes on where it was.";

/// Rows of pairs that are counted at a time.
const COUNTED: usize = 4096;

/// The model that is taken where none is named.
const DEFAULT: &str = "ferrome-dta-davis";

const STATS: &str = "Write what the run did as JSON: load_seconds, run_seconds, rows, scored, resumed_rows, molecules, kept, \
                     rescored, peak_rss_bytes";

/// Scores every molecule of LIBRARY against every target, or pair by pair, with standard deviation and interval
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES, mut_arg("stats", |stats| stats.help(STATS)))]
pub(crate) struct Args {
    /// .smi, .csv, .tsv, .parquet or .sdf, plain or gzip; `-` is standard input (.smi)
    #[arg(value_name = "LIBRARY", required_unless_present = "pairs", requires = "targets")]
    library: Option<PathBuf>,
    /// FASTA, or a table (.csv, .tsv, .parquet) with columns target_id (or id) and sequence
    #[arg(long, value_name = "FILE", requires = "library")]
    targets: Option<PathBuf>,
    /// Pairs instead: a table with columns drug_id, smiles, target_id, sequence; any others pass through
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["library", "targets"])]
    pairs: Option<PathBuf>,
    /// A folder or a name in weights/; `fast` is the fast tier of the default
    #[arg(short, long, default_value = DEFAULT, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// Which model of the folder
    #[arg(long, value_enum, default_value_t = Tier::Full, value_name = "TIER")]
    tier: Tier,
    /// Score all with the fast tier, and this share of each target's best with the full one
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["tier", "shard"], value_parser = share)]
    cascade: Option<f64>,
    /// Vectors of the targets from `ferrome protein embed`, for a model that needs them
    #[arg(long, value_name = "TABLE")]
    embeddings: Option<PathBuf>,
    /// OUT.parquet, .arrow, .csv, or a folder of Parquet parts
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The probability with which lower and upper are to hold the truth
    #[arg(long, default_value_t = 0.9, value_name = "P", value_parser = share)]
    confidence: f64,
    /// Write only the K best of each target, the best first
    #[arg(long, value_name = "K", conflicts_with = "shard")]
    top_k: Option<NonZeroUsize>,
    /// Write the rows of each target from the best to the worst
    #[arg(long, conflicts_with = "shard")]
    sort: bool,
    #[command(flatten)]
    columns: LibraryColumns,
    /// Where to run: auto, cpu, cuda, cuda:N or cuda:all
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    sharding: Sharding,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Tier {
    /// The model itself
    Full,
    /// The model without graphs in its folder `fast`, for libraries of millions
    Fast,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "expected a number between 0 and 1".to_owned())
}

pub(crate) fn run(args: &Args, given: &Given) -> Result<()> {
    let input = args.pairs.as_ref().or(args.library.as_ref()).ok_or_else(|| anyhow!("expected LIBRARY or --pairs"))?;
    let output = match args.sharding.output(&args.output, [input.as_path()])? {
        Some(part) => part,
        None => options::table(&args.output)?,
    };
    let threads = options::threads(args.threads);
    let devices = args.device.devices()?;
    let started = Instant::now();
    let mut description = RunDescription::new();
    describe_given(&mut description, "input", input, given.molecules.as_ref())?;
    args.columns.describe(&mut description);
    let targets = match &args.targets {
        Some(path) => {
            describe_given(&mut description, "targets", path, given.targets.as_ref())?;
            given.targets.as_ref().map_or_else(|| targets::read(path), targets::given)?
        }
        None => Vec::new(),
    };
    let (model, cascade) = args.models(given.model.as_ref(), &mut description)?;
    description.set("device", devices.first().map_or("cpu", |device| options::device_kind(*device)));
    let portion = args.sharding.portion(&args.output, || args.count(input))?;
    let job = Job {
        input: input.clone(),
        model,
        cascade,
        confidence: args.confidence,
        rank: args.rank(),
        devices,
        options: engine::Options { portion, ..args.running.engine(0, threads)? },
        output,
        description,
    };
    let columns = args.columns.columns();
    let open_seconds = started.elapsed().as_secs_f64();
    let outcome = match &args.pairs {
        Some(path) => {
            let (size, table) = (job.block(1), given.molecules.as_ref());
            let pairs = table.map_or_else(|| Pairs::open(path, &columns, size), |table| table.pairs(&columns, size))?;
            score::pairs(job, pairs)?
        }
        None => {
            let table = given.molecules.as_ref();
            let library = table.map_or_else(|| read::open(input, &columns), |table| table.library(&columns))?;
            score::library(job, library, targets)?
        }
    };
    args.running.tell(&summary::line(&outcome), summary::stats(&outcome, open_seconds))
}

impl Args {
    /// The rows of the input.
    fn count(&self, input: &Path) -> Result<u64> {
        let columns = self.columns.columns();
        let count = match &self.pairs {
            Some(path) => Pairs::open(path, &columns, COUNTED)?
                .try_fold(0, |count, rows| rows.map(|rows| count + rows.entries.len() as u64)),
            None => read::open(input, &columns)?.try_fold(0, |count, row| row.map(|_| count + 1)),
        };
        Ok(count?)
    }

    fn rank(&self) -> Rank {
        match self.top_k {
            Some(most) => Rank::Best(most.get()),
            None if self.sort => Rank::Sorted,
            None => Rank::Input,
        }
    }

    /// The model that scores, and the one before it in a cascade with what is left for it.
    fn models(&self, given: Option<&Model>, description: &mut RunDescription) -> Result<(Model, Option<(Model, f64)>)> {
        let (name, tier) = tier(&self.model, self.tier);
        if self.model == FAST && self.cascade.is_some() {
            bail!("`-m fast` is one tier; --cascade needs a model with both");
        }
        let Some(share) = self.cascade else {
            let model =
                given.map_or_else(|| open(name, tier, self.embeddings.as_deref()), |model| Ok(model.clone()))?;
            self.describe(&model, "model", description)?;
            return Ok((model, None));
        };
        let full = open(name, Tier::Full, self.embeddings.as_deref())?;
        let fast = open(name, Tier::Fast, self.embeddings.as_deref())?;
        self.describe(&full, "model", description)?;
        self.describe(&fast, "fast", description)?;
        description.set("cascade", share);
        Ok((full, Some((fast, share))))
    }

    fn describe(&self, model: &Model, key: &str, description: &mut RunDescription) -> Result<()> {
        let path = &model.folder.path;
        description.set(key, format!("{}, xxh3 {}", path.display(), model.fingerprint()?));
        description.set_file(format!("{key}.config"), &path.join("config.json"))?;
        match &self.embeddings {
            Some(path) => describe_input(description, "embeddings", path),
            None => Ok(()),
        }
    }
}

/// The folder's name, and which model of it; `fast` is that of the default.
fn tier(name: &str, tier: Tier) -> (&str, Tier) {
    if name == FAST { (DEFAULT, Tier::Fast) } else { (name, tier) }
}

fn open(name: &str, tier: Tier, embeddings: Option<&Path>) -> Result<Model> {
    let folder = locate(name)?;
    let folder = if tier == Tier::Fast { Folder::open_fast(&folder)? } else { Folder::open(&folder)? };
    let mut rows = folder.rows()?;
    if let Some(path) = embeddings {
        let Some(made) = rows else { bail!("{}: the model looks at no embeddings of proteins", path.display()) };
        rows = Some(made.with_table(Embeddings::read(path)?)?);
    }
    Ok(Model::new(folder, rows))
}

/// A model to be used more than once, and where.
#[derive(clap::Parser, Debug)]
pub struct LoadArgs {
    /// As for `score`
    #[arg(short, long, default_value = DEFAULT, value_parser = NonEmptyStringValueParser::new())]
    model: String,
    #[arg(long, value_enum, default_value_t = Tier::Full)]
    tier: Tier,
    #[arg(long)]
    embeddings: Option<PathBuf>,
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Loads a model for each thread, or on each CUDA device.
///
/// # Errors
///
/// One line, as `score` prints it.
pub fn load(args: &LoadArgs) -> Result<Model> {
    let devices = args.device.devices()?;
    let (name, tier) = tier(&args.model, args.tier);
    let model = open(name, tier, args.embeddings.as_deref())?;
    model.load(&devices, options::threads(args.threads).get())?;
    Ok(model)
}
