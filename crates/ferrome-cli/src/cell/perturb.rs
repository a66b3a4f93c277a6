//! `ferrome cell perturb`.

mod outputs;
mod tokens;
mod what;

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Result, bail};
use clap::builder::NonEmptyStringValueParser;
use ferrome_cell::{
    model::{self, Geneformer, OpenGeneformer},
    read::memory::Data,
    task::perturb::{self, Cells, GenesTable, PerturbTask, Rows, Screen, StatesOf, Survey},
    tokenize::Style,
    vocabulary::Vocabulary,
};
use ferrome_core::{
    device::kind_name,
    engine::{self, Job, Lanes, Totals},
    fingerprint::hex,
    journal::{RunDescription, refuse_output},
};
use tch::{Device, Kind};

use super::{input, tokens::say_share};
use crate::options::{Compute, Running, device_kind};

const EXAMPLES: &str = "\
Examples:
  ferrome cell perturb pbmc-tokens -m ctheodoris/Geneformer \\
      --vocabulary v2.json --delete all -o screen.parquet
  ferrome cell perturb pbmc-tokens -m ctheodoris/Geneformer \\
      --vocabulary v2.json --overexpress CD3E,CD3G --together -o t_cells/

Beside the rows: screen.genes.csv, one row per gene, and screen.svg, a volcano plot.
Killed at any moment, the same command goes on where it was.";

/// Deletes, over-expresses, inhibits or activates genes of cells, and writes how far that moves each cell
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Tokens of Geneformer, from `ferrome cell tokenize` or Geneformer's own tokenizer
    #[arg(value_name = "TOKENS")]
    input: PathBuf,
    /// A Geneformer: a folder, a file, a name in weights/, or one of `ferrome model list`
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// The vocabulary of the tokens [default: the one beside the model's weights]
    #[arg(long, value_name = "VOCAB.json")]
    vocabulary: Option<PathBuf>,
    #[command(flatten)]
    outputs: outputs::Outputs,
    #[command(flatten)]
    what: what::What,
    #[command(flatten)]
    states: what::States,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    running: Running,
}

pub(crate) fn run(args: &Args, given: Option<&Data>) -> Result<()> {
    let output = args.outputs.rows()?;
    let states = args.states.of();
    let (devices, first, kind) = args.compute.place()?;
    let opened = model::open(&model::locate(&args.model)?)?.geneformer()?;
    let vocabulary = args.vocabulary(&opened)?;
    let screen = Arc::new(args.what.screen(&opened, &vocabulary, args.states.measured())?);
    let batch_tokens =
        args.compute.batch_tokens.map_or(if first == Device::Cpu { 2048 } else { 32_768 }, NonZeroUsize::get);
    let description = args.description((&opened, &vocabulary), given, &screen, (kind, first))?;
    if args.outputs.only_genes_are_missing(&description)? {
        return args.genes(&screen);
    }
    refuse_output(&output, args.running.overwrite)?;

    if let Some(cells) = given {
        say_share(cells, &vocabulary)?;
    }
    let cells = || args.cells((&vocabulary, given), &screen, states.clone());
    let survey = perturb::survey(cells()?, &screen, states.as_ref())?;
    args.say(&survey, &screen);
    let started = Instant::now();
    let threads = args.compute.threads();
    let batches = usize::try_from(survey.tokens).unwrap_or(usize::MAX) / batch_tokens + 1;
    let lanes = Lanes::share_out(if first == Device::Cpu { threads.get() } else { 1 }, batches);
    let models = perturb::models(&opened, kind, &devices, lanes.lanes)?;
    let options = engine::Options {
        window_tokens: Some(batch_tokens.saturating_mul(512)),
        ..args.running.engine(batch_tokens, threads)?
    };
    let means = args.means(&screen, &models, batch_tokens, (cells()?, &options))?;
    let load_seconds = started.elapsed().as_secs_f64();

    let task = PerturbTask::new(Arc::clone(&screen));
    let workers = perturb::workers(&task, models, lanes.threads, &means);
    let totals = Some(Totals { rows: survey.rows, tokens: Some(survey.tokens) });
    let job = Job { task: &task, options, description, output, totals };
    let summary = engine::run(job, Rows::new(cells()?, Arc::clone(&screen), states.clone()), workers)?;
    args.running.report(&summary, load_seconds, 0)?;
    args.genes(&screen)
}

impl Args {
    fn vocabulary(&self, model: &OpenGeneformer) -> Result<Vocabulary> {
        let vocabulary = match (&self.vocabulary, &model.vocabulary) {
            (Some(path), _) => Vocabulary::open(path)?,
            (None, Some(vocabulary)) => vocabulary.clone(),
            (None, None) => bail!("there is no vocabulary beside the weights of {}: give --vocabulary", self.model),
        };
        let largest = vocabulary.genes().last().map_or(0, |gene| i64::from(gene.token));
        if largest >= model.config.vocab_size {
            bail!(
                "the vocabulary has tokens up to {largest}, the model {} only {} of them",
                self.model,
                model.config.vocab_size
            );
        }
        match model.style() {
            Some(style) if style != vocabulary.style() => {
                bail!("the vocabulary is of the style {}, the model {} of {style}", vocabulary.style(), self.model)
            }
            None if vocabulary.style() == Style::ScGpt => {
                bail!("the vocabulary is of the style {}, the model {} is a Geneformer", Style::ScGpt, self.model)
            }
            _ => Ok(vocabulary),
        }
    }

    fn cells(
        &self,
        (vocabulary, given): (&Vocabulary, Option<&Data>),
        screen: &Screen,
        states: Option<StatesOf>,
    ) -> Result<Cells> {
        let reader = self.tokens(vocabulary, given)?;
        let specials = ["<cls>", "<eos>"].map(|name| vocabulary.special(name));
        Ok(Cells::new(reader, screen.frame, specials, screen.names.clone(), states)?)
    }

    // What changes the result.
    fn description(
        &self,
        (model, vocabulary): (&OpenGeneformer, &Vocabulary),
        given: Option<&Data>,
        screen: &Screen,
        (kind, device): (Kind, Device),
    ) -> Result<RunDescription> {
        let mut description = RunDescription::new();
        input::describe(&mut description, &self.input, given)?;
        description.set("model", &self.model);
        description.set("model.fingerprint", model.fingerprint()?);
        description.set("vocabulary", format!("{}, xxh3 {}", vocabulary.style(), hex(vocabulary.fingerprint())));
        description.set("dtype", kind_name(kind));
        description.set("device", device_kind(device));
        self.what.describe(&mut description, screen);
        self.states.describe(&mut description);
        Ok(description)
    }

    fn means(
        &self,
        screen: &Screen,
        models: &[Geneformer],
        batch_tokens: usize,
        (cells, options): (Cells, &engine::Options),
    ) -> Result<Vec<Vec<f32>>> {
        if screen.states.is_empty() {
            return Ok(Vec::new());
        }
        Ok(perturb::state_means(cells, screen, models, batch_tokens, || options.interrupt.is_raised())?)
    }

    fn say(&self, survey: &Survey, screen: &Screen) {
        if !self.running.quiet {
            survey.left_out(screen).iter().for_each(|line| eprintln!("{line}"));
            eprintln!("{} perturbations of {} cells ({})", survey.rows, survey.cells, screen.kind);
        }
    }

    fn genes(&self, screen: &Screen) -> Result<()> {
        let table = GenesTable::read(&self.outputs.output, screen)?;
        let written = self.outputs.write(&table)?;
        if !self.running.quiet {
            eprintln!("{} genes, compared with {} -> {written}", table.rows.len(), table.reference);
        }
        Ok(())
    }
}
