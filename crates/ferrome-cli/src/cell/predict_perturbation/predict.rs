//! `ferrome cell predict-perturbation predict`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use ferrome_cell::Error;
use ferrome_cell::model;
use ferrome_cell::read::memory::Data;
use ferrome_cell::task::predict_perturbation::{self as task, Prepared, Screen, Wanted, gene_names};
use ferrome_core::device::DeviceChoice;
use ferrome_core::interrupt::Interrupt;
use tch::{Device, Kind};

use super::Source;
use crate::cell::go_on;
use crate::cell::input::Reading;
use crate::cell::names::Names;
use crate::options::refuse_existing;
use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome cell predict-perturbation predict screen.h5ad -m norman-generator \\
      --perturb GENE0+GENE1,GENE3 -o predicted.csv
  ferrome cell predict-perturbation predict screen.h5ad -m norman-generator \\
      --perturb GENE5 -o predicted.parquet

OUT has condition, gene, control, predicted, change: mean logarithms of one more
than the counts per ten thousand.";

/// Writes the mean expression of control cells after genes are perturbed
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Cells, those of the control among them
    #[arg(value_name = "CELLS")]
    input: PathBuf,
    /// A folder of `predict-perturbation train`
    #[arg(short, long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    model: String,
    /// OUT.csv, .parquet or .arrow
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Genes to perturb, with commas; those perturbed together joined by +
    #[arg(long, required = true, value_name = "GENE+GENE", value_delimiter = ',')]
    perturb: Vec<String>,
    /// The column of obs that says which cells are the control's: ctrl or control
    #[arg(long, default_value = "condition", value_name = "COLUMN")]
    condition: String,
    /// Where to run: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
    /// Replace an output that exists
    #[arg(long)]
    overwrite: bool,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    names: Names,
}

pub(super) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    refuse_existing(&args.output, args.overwrite)?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    tch::set_num_threads(i32::try_from(args.reading.threads().get())?);
    let path = model::locate(&args.model)?;
    let opened = model::open(&path)?.scgpt()?;
    ensure!(opened.is_generator(), "{}: is no generator; see `ferrome cell predict-perturbation train`", args.model);
    let prepared = Prepared::open(&path)?;
    let source = Source {
        input: &args.input,
        given,
        output: &args.output,
        reading: &args.reading,
        names: &args.names,
        column: &args.condition,
        quiet: args.quiet,
    };
    let (screen, vocabulary) = source.read(Some(opened.vocabulary()?), &Wanted::Named(prepared.genes.clone()))?;
    let asked = args.perturb.iter().map(|name| {
        let gene = |gene: &str| {
            let id = vocabulary.find(gene).map_or_else(|| vocabulary.id_of_symbol(gene), |_| Some(gene));
            let place = id.and_then(|id| screen.genes.iter().position(|known| known == id));
            place.ok_or_else(|| {
                Error::Screen(format!("`{gene}` is none of the {} genes of the model", screen.genes.len()))
            })
        };
        let genes = gene_names(name).into_iter().map(gene).collect::<Result<Vec<_>, _>>()?;
        Ok((name.clone(), genes))
    });
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let generator = opened.load_generator(Kind::Float, device)?;
    let interrupt = Interrupt::on_signal()?;
    let mut predictions = Vec::with_capacity(asked.len());
    for (name, genes) in &asked {
        let found = task::predict(&generator, &screen, genes, prepared.control_cells, prepared.seed)?;
        predictions.push((name.clone(), found));
        tell::progress(predictions.len() as u64, Some(asked.len() as u64), name);
        go_on(&interrupt, Error::Stopped)?;
    }
    task::write_predictions(&predictions, &screen, &args.output)?;
    args.tell(&screen, predictions.len());
    Ok(())
}

impl Args {
    fn tell(&self, screen: &Screen, count: usize) {
        if !self.quiet {
            let genes = screen.genes.len();
            eprintln!("{count} perturbations of {genes} genes -> {}", self.output.display());
        }
    }
}
