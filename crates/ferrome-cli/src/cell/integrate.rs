//! `ferrome cell integrate`.

mod settings;
mod tell;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::builder::NonEmptyStringValueParser;
use ferrome_cell::Error;
use ferrome_cell::genes::Matching;
use ferrome_cell::model;
use ferrome_cell::read::{memory::Data, tokens};
use ferrome_cell::task::integrate::{self as task, Columns, Corpus, Finish, IntegrateConfig, Method, Rival, Start};
use ferrome_cell::vocabulary::Vocabulary;
use ferrome_cell::write::h5ad::add_obsm;
use ferrome_core::device::{DeviceChoice, DtypeChoice};
use ferrome_core::interrupt::Interrupt;
use tch::{Device, Tensor};

use super::go_on;
use super::input::{Reading, found};
use super::names::Names;
use crate::options;

const EXAMPLES: &str = "\
Examples:
  ferrome cell integrate study.h5ad -m scGPT_human --batch batch \\
      --label cell_type -o integrated --epochs 2
  ferrome cell embed study.h5ad -m ./integrated --batch batch -o again.parquet
  ferrome cell integrate study.h5ad -m scGPT_human --batch batch \\
      --label cell_type -o integrated --epochs 2 \\
      --compare PCA=integrated/pca.parquet

The last line trains nothing anew: it scores one more embedding beside the others.
Stopped at any moment, the same command goes on where it was.";

/// Writes a folder: the model, embeddings.parquet, integration.csv with the scores of scIB beside PCA and the model as given, maps
/// by batch and type, README.md, report.html, metrics.csv and loss.svg
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Cells with a column of batches: h5ad, 10x, a dataset, or whatever else `cell convert` reads
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The scGPT to begin with: a folder (args.json, best_model.pt, vocab.json), or a name in weights/
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// The obs column that names each cell's batch
    #[arg(long, value_name = "COLUMN")]
    batch: String,
    /// The obs column that names each cell's type: for scores and colours only, nothing is learnt from it
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Also a copy of the h5ad with the integrated vectors in obsm["X_scgpt"]
    #[arg(long, value_name = "OUT.h5ad")]
    h5ad: Option<PathBuf>,
    /// Score vectors made elsewhere, too: NAME=TABLE (.parquet, .csv or .tsv with cell_id), or NAME=obsm/KEY of the h5ad
    #[arg(long, value_name = "NAME=WHAT")]
    compare: Vec<String>,
    /// Cells that are scored at most, drawn by seed
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(10..))]
    score_cells: u32,
    #[command(flatten)]
    settings: settings::Settings,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    reading: Reading,
    /// Where to train: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// Products in f32 or bf16; weights are always kept in f32
    #[arg(long, default_value = "f32", value_name = "DTYPE", help_heading = "Compute")]
    dtype: DtypeChoice,
    /// Forget an earlier run into the folder
    #[arg(long, help_heading = "Run")]
    overwrite: bool,
    /// No progress
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let config = args.settings.config()?;
    let interrupt = Interrupt::on_signal()?;
    args.check_outputs()?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    tch::set_num_threads(i32::try_from(args.reading.threads().get())?);
    let foundation = model::open(&model::locate(&args.model)?)?.scgpt()?;
    if foundation.is_generator() {
        bail!("{}: is a perturbation generator; integration begins with the model that embeds cells", args.model);
    }
    let vocabulary = foundation.vocabulary()?;
    let rivals = args.rivals()?;
    let corpus = args.cells(&vocabulary, &config, given)?;
    // Before the training, so that a cell that one of them lacks costs no hours.
    let rivals = rivals.into_iter().map(|(name, rival)| Ok((name, rival.rows(&corpus)?)));
    let rivals = rivals.collect::<Result<Vec<(String, Tensor)>>>()?;
    let kind = match args.dtype {
        DtypeChoice::F16 => bail!("training in f16 would need loss scaling: use bf16 or f32"),
        choice => choice.kind(device)?,
    };
    let model = foundation.new_integrator(config.objectives(), corpus.batches.len(), config.seed, device)?;
    let start = Start {
        config: &config,
        corpus: &corpus,
        from: &foundation.fingerprint()?,
        folder: &args.output,
        kind,
        device,
        overwrite: args.overwrite,
        interrupt: interrupt.clone(),
    };
    let bar = crate::tell::bar(args.quiet, 1000, crate::tell::TRAINING);
    let outcome = task::train(&start, &model, &mut |progress| tell::progress(&bar, args.quiet, progress))?;
    bar.finish_and_clear();
    go_on(&interrupt, stopped())?;
    let title = args.input.file_stem().unwrap_or(args.input.as_os_str()).to_string_lossy();
    let finish = Finish {
        config: &config,
        corpus: &corpus,
        foundation: &foundation,
        vocabulary: &vocabulary,
        batch: &args.batch,
        outcome: &outcome,
        rivals,
        score_cells: args.score_cells as usize,
        title: &title,
        folder: &args.output,
        device,
    };
    let methods = task::finish(finish, &model)?;
    go_on(&interrupt, stopped())?;
    args.write_h5ad(&corpus)?;
    args.tell(&outcome, &methods);
    Ok(())
}

// After the training, which is kept.
fn stopped() -> Error {
    Error::Interrupted { done: "the training is".to_owned(), overwrite: false }
}

impl Args {
    fn check_outputs(&self) -> Result<()> {
        if self.output.is_file() {
            bail!("{}: is a file; -o names a folder", self.output.display());
        }
        options::need_folder(&self.output)?;
        let Some(h5ad) = &self.h5ad else { return Ok(()) };
        options::need_folder(h5ad)?;
        if !is_h5ad(h5ad) || !is_h5ad(&self.input) {
            bail!("{}: --h5ad is a copy of the input, and both must be .h5ad", h5ad.display());
        }
        options::refuse_existing(h5ad, self.overwrite)
    }

    fn rivals(&self) -> Result<Vec<(String, Rival)>> {
        let read = |asked: &String| {
            let (name, what) = asked
                .split_once('=')
                .filter(|(name, what)| !name.is_empty() && !what.is_empty())
                .with_context(|| format!("--compare {asked}: expected NAME=TABLE or NAME=obsm/KEY"))?;
            let rival = match what.strip_prefix("obsm/") {
                Some(key) if is_h5ad(&self.input) => Rival::of_obsm(&self.input, key)?,
                Some(_) => bail!("--compare {asked}: {} is no h5ad, which has obsm", self.input.display()),
                None => Rival::of_table(Path::new(what))?,
            };
            Ok((name.to_owned(), rival))
        };
        self.compare.iter().map(read).collect()
    }

    fn cells(&self, vocabulary: &Vocabulary, config: &IntegrateConfig, given: Option<&Data>) -> Result<Corpus> {
        if given.is_none() && tokens::is_tokens(&self.input)? {
            bail!("{}: holds tokens; integration takes cells, whose genes it chooses", self.input.display());
        }
        let open = || self.reading.open((&self.input, &self.output), given);
        let header = open()?.header().clone();
        let matching = Matching::new(&header.genes, vocabulary, &self.names.options()?)?;
        // Every run says what share of the genes matched.
        crate::tell::say(&matching.statistics);
        let columns = Columns { batch: &self.batch, label: self.label.as_deref() };
        let corpus = Corpus::read(&open, (vocabulary, &matching), columns, config)?;
        if !self.quiet {
            eprintln!("{}", found(&self.input, &header));
        }
        tell::corpus(&corpus, self.quiet);
        Ok(corpus)
    }

    fn write_h5ad(&self, corpus: &Corpus) -> Result<()> {
        let Some(h5ad) = &self.h5ad else { return Ok(()) };
        let table = self.output.join("embeddings.parquet");
        add_obsm(&self.input, h5ad, (&table, "embedding"), "X_scgpt", corpus.ids.len() as u64)?;
        if !self.quiet {
            eprintln!("obsm[\"X_scgpt\"] -> {}", h5ad.display());
        }
        Ok(())
    }

    fn tell(&self, outcome: &task::Outcome, methods: &[Method]) {
        if !self.quiet {
            tell::outcome(outcome, methods, &self.output);
        }
    }
}

fn is_h5ad(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "h5ad")
}
