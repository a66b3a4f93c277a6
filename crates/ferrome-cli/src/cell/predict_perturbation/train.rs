//! `ferrome cell predict-perturbation train`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ferrome_cell::model::{self, scgpt};
use ferrome_cell::read::memory::Data;
use ferrome_cell::task::predict_perturbation::{
    self as task, METHODS, Prepared, Quality, Scores, Screen, Split, Start, TrainConfig, Wanted, mean_of,
};
use ferrome_core::device::DeviceChoice;
use ferrome_core::interrupt::Interrupt;
use tch::Device;

use super::Source;
use crate::cell::input::Reading;
use crate::cell::names::Names;
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  echo '{\"steps\": 20, \"embsize\": 16, \"genes\": 50}' > steps.json
  ferrome cell predict-perturbation train screen.h5ad -o generator \\
      --config steps.json --test GENE1+GENE2
  ferrome cell predict-perturbation train screen.h5ad --from scGPT_human \\
      -o tuned --config steps.json

OUT is an scGPT folder (model.safetensors, args.json, vocab.json) with
perturbation.json, and report.csv: each held-out condition by each method.
Stopped at any moment, the same command goes on from the last checkpoint.";

/// Learns what perturbed genes do to expression, with scGPT's generator
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Cells with a column of conditions: h5ad, or whatever else `cell convert` reads
    #[arg(value_name = "CELLS")]
    input: PathBuf,
    /// The folder to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The column of obs: ctrl, GENE+ctrl, GENE1+GENE2
    #[arg(long, default_value = "condition", value_name = "COLUMN")]
    condition: String,
    /// Genes, values and blocks from this scGPT instead of random weights
    #[arg(long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    from: Option<String>,
    /// JSON: embsize, nheads, nlayers, genes, genes_per_step, batch_cells, steps, learning_rate, warmup_steps, weight_decay, clip,
    /// test_share, control_cells, checkpoint_every, seed
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Conditions to hold out, with commas [default: a share of them, by seed]
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    test: Vec<String>,
    /// Where to train: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
    /// Forget an earlier run into the folder
    #[arg(long)]
    overwrite: bool,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    names: Names,
}

pub(super) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let config = args.config()?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    tch::set_num_threads(i32::try_from(args.reading.threads().get())?);
    let foundation = args.foundation()?;
    let source = Source {
        input: &args.input,
        given,
        output: &args.output,
        reading: &args.reading,
        names: &args.names,
        column: &args.condition,
        quiet: args.quiet,
    };
    let vocabulary = foundation.as_ref().map(scgpt::OpenModel::vocabulary).transpose()?;
    let (screen, vocabulary) = source.read(vocabulary, &Wanted::Variable(config.genes))?;
    screen.check()?;
    let split = match args.test.as_slice() {
        [] => Split::random(&screen, config.test_share, config.seed)?,
        names => Split::named(&screen, names)?,
    };
    let (generator, from) = match &foundation {
        Some(model) => (model.new_generator(config.seed, device)?, model.fingerprint()?),
        None => {
            let tokens = vocabulary.genes().len() + vocabulary.specials().len();
            let model = config.model(i64::try_from(tokens)?);
            (scgpt::random_generator(&model, config.seed, device)?, "random".to_owned())
        }
    };
    let start = Start {
        config: &config,
        screen: &screen,
        split: &split,
        from: &from,
        folder: &args.output,
        device,
        overwrite: args.overwrite,
        interrupt: Interrupt::on_signal()?,
    };
    args.train(&start, &generator)?;
    let held_out = split.test.iter().map(|&place| screen.conditions[place].name.clone()).collect();
    let prepared =
        Prepared { genes: screen.genes.clone(), held_out, control_cells: config.control_cells, seed: config.seed };
    task::save(&generator, &vocabulary, &prepared, &args.output)?;
    let scores = task::evaluate(&generator, &screen, &split, &config)?;
    task::write_report(&scores, &args.output.join("report.csv"))?;
    args.tell(&screen, &split, &scores);
    Ok(())
}

impl Args {
    fn config(&self) -> Result<TrainConfig> {
        let Some(path) = &self.config else { return Ok(TrainConfig::default()) };
        Ok(TrainConfig::parse(&fs_err::read_to_string(path)?, &path.display().to_string())?)
    }

    fn foundation(&self) -> Result<Option<scgpt::OpenModel>> {
        let Some(name) = &self.from else { return Ok(None) };
        let opened = model::open(&model::locate(name)?)?.scgpt()?;
        if opened.is_generator() {
            bail!("{name}: is a generator already; --from takes the model that generators begin with");
        }
        Ok(Some(opened))
    }

    fn train(&self, start: &Start, generator: &scgpt::Generator) -> Result<()> {
        let bar = tell::bar(self.quiet, start.config.steps, tell::TRAINING);
        task::train(start, generator, &mut |progress| {
            bar.set_position(progress.step);
            let message = format!("loss {:.4}", progress.loss);
            tell::progress(progress.step, Some(progress.steps), &message);
            bar.set_message(message);
        })?;
        bar.finish_and_clear();
        Ok(())
    }

    fn tell(&self, screen: &Screen, split: &Split, scores: &[Scores]) {
        if self.quiet {
            return;
        }
        let (genes, cells) = (screen.genes.len(), screen.of.len());
        let (train, test) = (split.train.len(), split.test.len());
        eprintln!("{cells} cells, {genes} genes; {train} conditions to train on, {test} held out");
        eprintln!("{:<22} {:>8} {:>16} {:>22}", "method", "mse", "pearson, change", "top 20: pearson, change");
        for (place, name) in METHODS.iter().enumerate() {
            let mean = |read: fn(&Quality) -> Option<f64>| {
                mean_of(scores, place, read).map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
            };
            let pair = |a: String, b: String| format!("{a}, {b}");
            eprintln!(
                "{name:<22} {:>8} {:>16} {:>22}",
                mean(|quality| Some(quality.mse)),
                pair(mean(|quality| quality.pearson), mean(|quality| quality.pearson_change)),
                pair(mean(|quality| quality.pearson_top), mean(|quality| quality.pearson_change_top))
            );
        }
        eprintln!("-> {}", self.output.display());
    }
}
