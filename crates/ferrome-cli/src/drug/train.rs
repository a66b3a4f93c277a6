//! `ferrome drug train`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::ValueEnum;
use ferrome_core::{device::DeviceChoice, interrupt::Interrupt};
use ferrome_drug::checkpoint::FAST;
use ferrome_drug::task::train::{self, Data, Measured, Outcome, Progress, Quality, SplitKind, Start, TrainConfig};
use indicatif::ProgressBar;
use tch::Device;

use crate::{options::threads, tell};

const EXAMPLES: &str = "\
Examples:
  ferrome drug train train.json -o model
  ferrome drug train train.json -o ensemble --ensemble 2 --split cold-target

CONFIG names the tables and the model; docs/drug.md explains every key. A small one:
  {\"data\": {\"pairs\": \"pairs.csv\", \"drug\": \"smiles\",
            \"protein\": \"sequence\", \"value\": \"pKd\"},
   \"split\": {\"by\": \"scaffold\"},
   \"model\": {\"fingerprints\": {\"hidden\": [512, 256]},
             \"protein_rows\": {\"hidden\": [512, 256]},
             \"head\": {\"kind\": \"mlp\", \"hidden\": [512, 256]}}}

Stopped at any moment, the same command goes on where it was.";

/// Writes a model's folder for `ferrome drug score`, with its card, metrics.csv, loss.svg and split.json
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// JSON with the data, the split, the model and how to train
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Split the pairs this way instead of the configuration's
    #[arg(long, value_name = "HOW")]
    split: Option<Drawn>,
    /// Train so many models, whose predictions are averaged; where `members` lists some, each of them so often
    /// [default: the configuration's]
    #[arg(long, value_name = "N")]
    ensemble: Option<NonZeroUsize>,
    /// Seed of everything random [default: the configuration's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where to train: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<NonZeroUsize>,
    /// Stop at the first row that cannot be used, instead of leaving it out
    #[arg(long, help_heading = "Run")]
    strict: bool,
    /// Forget an earlier run into the folder
    #[arg(long, help_heading = "Run")]
    overwrite: bool,
    /// No progress
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
}

/// A split that is drawn from the seed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Drawn {
    /// Pairs
    Random,
    /// Scaffolds of the drugs
    Scaffold,
    /// Drugs
    ColdDrug,
    /// Proteins
    ColdTarget,
    /// Drugs and proteins
    ColdBoth,
}

pub(crate) fn run(args: &Args, given: Option<&str>) -> Result<()> {
    let config = args.config(given)?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = threads(args.threads).get();
    tch::set_num_threads(i32::try_from(threads)?);
    let data = read(&config, args.strict, args.quiet)?;
    let (folder, overwrite) = (args.output.as_path(), args.overwrite);
    let start = Start { config: &config, folder, device, overwrite, interrupt: Interrupt::on_signal()? };
    let bar = tell::bar(args.quiet, 1000, tell::TRAINING);
    let outcome = train::train(&start, &data, &mut |progress| show(&bar, args.quiet, progress))?;
    bar.finish_and_clear();
    if !args.quiet {
        tell_outcome(&outcome, &args.output);
        if let Some(fast) = &outcome.fast {
            tell_outcome(fast, &args.output.join(FAST));
        }
    }
    Ok(())
}

/// The configuration in a file, or the one that is given instead.
pub(super) fn parse(path: &Path, given: Option<&str>) -> Result<TrainConfig> {
    match given {
        Some(json) => Ok(TrainConfig::parse(json, path)?),
        None => Ok(TrainConfig::parse(&fs_err::read_to_string(path)?, path)?),
    }
}

/// Reads the pairs and says what there is.
pub(super) fn read(config: &TrainConfig, strict: bool, quiet: bool) -> Result<Data> {
    let data = Data::read(&config.data, config.split.tag(), config.label.positive_from)?;
    if let (true, Some((row, why))) = (strict, data.left_out.first()) {
        bail!("row {}: {why} (--strict stops at the first rejected record)", row + 1);
    }
    if !quiet {
        eprintln!("{} pairs of {} drugs and {} proteins", data.pairs.len(), data.drugs.len(), data.proteins.len());
    }
    if let Some(line) = data.left_out_line() {
        tell::note(&line, quiet);
    }
    Ok(data)
}

impl Args {
    fn config(&self, given: Option<&str>) -> Result<TrainConfig> {
        let mut config = parse(&self.config, given)?;
        config.ensemble = self.ensemble.map_or(config.ensemble, NonZeroUsize::get);
        config.seed = self.seed.unwrap_or(config.seed);
        if let Some(drawn) = self.split {
            if config.data.train.is_some() {
                bail!(
                    "{}: `data.train` and `data.validation` are a split; --split needs `data.pairs`",
                    self.config.display()
                );
            }
            config.split.by = match drawn {
                Drawn::Random => SplitKind::Random,
                Drawn::Scaffold => SplitKind::Scaffold,
                Drawn::ColdDrug => SplitKind::ColdDrug,
                Drawn::ColdTarget => SplitKind::ColdTarget,
                Drawn::ColdBoth => SplitKind::ColdBoth,
            };
            config.split.rotate = false;
        }
        Ok(config)
    }
}

fn show(bar: &ProgressBar, quiet: bool, progress: &Progress) {
    bar.set_length(progress.epochs * 1000);
    bar.set_position((progress.epoch * 1000.0) as u64);
    tell::progress(bar.position(), bar.length(), "");
    let Some(measured) = &progress.measured else { return };
    let member = if progress.members > 1 { format!("member {}, ", progress.member) } else { String::new() };
    let fast = if progress.fast { "fast model, " } else { "" };
    let again = if progress.refit { "second training, " } else { "" };
    let said = format!("{fast}{member}{again}epoch {}/{}: {}", measured.epoch, progress.epochs, line(measured));
    bar.set_message(said.clone());
    // A line for each of at most twenty epochs, where there is no bar to look at.
    let step = (progress.epochs / 20).max(1);
    if !quiet && bar.is_hidden() && (measured.epoch.is_multiple_of(step) || measured.epoch == progress.epochs) {
        eprintln!("{said}");
    }
}

fn line(measured: &Measured) -> String {
    let test = quality(&measured.test);
    let watched = if test.is_empty() { test } else { format!("; test {test} (chooses nothing)") };
    let validation = quality(&measured.validation);
    let validation = if validation.is_empty() { validation } else { format!(", validation {validation}") };
    format!("loss {:.4}{validation}{watched}", measured.train_loss)
}

/// `MSE 0.2300, CI 0.8900`.
fn quality(quality: &Quality) -> String {
    let known = [("MSE", quality.mse), ("CI", quality.ci), ("AUROC", quality.auroc), ("AUPRC", quality.auprc)];
    let known = known.into_iter().filter_map(|(name, value)| Some(format!("{name} {:.4}", value?)));
    known.collect::<Vec<_>>().join(", ")
}

fn tell_outcome(outcome: &Outcome, folder: &Path) {
    let epochs: Vec<String> = outcome.epochs.iter().map(u64::to_string).collect();
    eprintln!("epoch {} chosen: validation {}", epochs.join(", "), quality(&outcome.validation));
    if outcome.pairs[2] > 0 {
        eprintln!("{} test pairs: {}", outcome.pairs[2], quality(&outcome.test));
    }
    eprintln!("{}", folder.display());
}
