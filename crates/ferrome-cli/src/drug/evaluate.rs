//! `ferrome drug evaluate`.

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use ferrome_core::{device::DeviceChoice, interrupt::Interrupt};
use ferrome_drug::{
    checkpoint::locate,
    task::{
        evaluate::{self, Start},
        train::Part,
    },
};
use tch::Device;

use crate::{options::threads, tell};

const EXAMPLES: &str = "\
Examples:
  ferrome drug evaluate train.json -m model -o report
  ferrome drug evaluate train.json -m model -o chosen --on validation

CONFIG is that of `ferrome drug train`: it names the pairs and how they are
split. Always in the table: the mean of the training values, kernel ridge over
similarities of molecules and sequences, and a two-tower perceptron. They are
trained once and kept in --baselines.";

/// Writes report.html, report.md, metrics.json and predictions.csv: a model beside simpler ones, with intervals
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration with the data and the split
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// A folder that `ferrome drug train` wrote, or the name of a model that ships
    #[arg(short, long, value_name = "MODEL")]
    model: String,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Which pairs
    #[arg(long, default_value = "test", value_name = "PART")]
    on: On,
    /// Where the simpler models are kept [default: DIR/baselines]
    #[arg(long, value_name = "DIR")]
    baselines: Option<PathBuf>,
    /// Resamples of the bootstrap; 0 for no intervals
    #[arg(long, default_value_t = 1000, value_name = "N")]
    resamples: u64,
    /// Where to run: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<NonZeroUsize>,
    /// Stop at the first row that cannot be used, instead of leaving it out
    #[arg(long, help_heading = "Run")]
    strict: bool,
    /// No progress
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum On {
    /// Those that nothing was chosen by
    Test,
    /// Those that chose the epoch
    Validation,
}

pub(crate) fn run(args: &Args, given: Option<&str>) -> Result<()> {
    let config = super::train::parse(&args.config, given)?;
    let model = locate(&args.model)?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = threads(args.threads).get();
    tch::set_num_threads(i32::try_from(threads)?);
    let data = super::train::read(&config, args.strict, args.quiet)?;
    let baselines = args.baselines.clone().unwrap_or_else(|| args.output.join("baselines"));
    let start = Start {
        config: &config,
        model: &model,
        name: args.model.trim_end_matches('/').rsplit('/').next().unwrap_or("model"),
        folder: &args.output,
        baselines: &baselines,
        on: match args.on {
            On::Test => Part::Test,
            On::Validation => Part::Validation,
        },
        resamples: args.resamples,
        device,
        interrupt: Interrupt::on_signal()?,
    };
    let bar = tell::bar(args.quiet, 1000, "{bar:30} two-tower perceptron, {elapsed} gone, {eta} to go");
    let report = evaluate::evaluate(&start, &data, &mut |progress| {
        bar.set_length(progress.epochs * 1000);
        bar.set_position((progress.epoch * 1000.0) as u64);
        tell::progress(bar.position(), bar.length(), "two-tower perceptron");
    })?;
    bar.finish_and_clear();
    if !args.quiet {
        for model in &report.models {
            let shown = model.measures.iter().filter_map(|m| Some(format!("{} {:.4}", m.name, m.value?)));
            eprintln!("{}: {}", model.name, shown.collect::<Vec<_>>().join(", "));
        }
        eprintln!("{}", args.output.join("report.html").display());
    }
    Ok(())
}
