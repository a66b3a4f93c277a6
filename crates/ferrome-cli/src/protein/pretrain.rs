//! `ferrome protein pretrain`.

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use ferrome_core::{
    device::{DeviceChoice, DtypeChoice, kind_name},
    interrupt::Interrupt,
};
use ferrome_protein::{
    model,
    read::Protein,
    task::{
        self,
        pretrain::{Corpus, PretrainConfig, Progress, Start},
    },
};
use indicatif::ProgressBar;
use tch::{Device, Kind};

use crate::{options::threads, tell};

const EXAMPLES: &str = r#"Examples:
  echo '{"hidden_size": 64, "num_hidden_layers": 2,
         "num_attention_heads": 4, "steps": 20}' > tiny.json
  ferrome protein pretrain proteins.fasta --config tiny.json -o tiny-model

  echo '{"steps": 20, "learning_rate": 1e-5}' > more.json
  ferrome protein pretrain proteins.fasta --config more.json -o tuned-model \
      --from facebook/esm2_t6_8M_UR50D

CONFIG has the keys of a published config.json for the shape, and: steps,
batch_tokens, max_length, learning_rate, warmup_steps, final_share,
weight_decay, clip, beta1, beta2, mask_share, held_out_share, evaluate_tokens,
evaluate_every, checkpoint_every, seed. Stopped at any moment, the same
command goes on from the last checkpoint."#;

/// Writes a Hugging Face folder that EsmForMaskedLM.from_pretrained loads, with metrics.csv and loss.svg
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// FASTA: plain, gzip or BGZF
    #[arg(required = true, value_name = "FASTA")]
    inputs: Vec<PathBuf>,
    /// JSON with the model's shape and how to train
    #[arg(long, value_name = "CONFIG")]
    config: PathBuf,
    /// Start from this model instead of random weights: a folder, a file or a name as in `embed -m`
    #[arg(long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    from: Option<String>,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Where to train: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
    /// Products in f32 or bf16; auto is bf16 on CUDA and on CPUs with avx512_bf16. Weights are always kept in f32
    #[arg(long, default_value = "auto", value_name = "DTYPE")]
    dtype: DtypeChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Forget an earlier run into the folder
    #[arg(long)]
    overwrite: bool,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// What is trained on, and how, where the command line does not say.
#[derive(Debug, Default)]
pub struct Given {
    /// Instead of the files.
    pub proteins: Option<Vec<Protein>>,
    /// Instead of what the file of `--config` holds.
    pub config: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    pretrain(args, Given::default())
}

/// Trains on what the command line names or the program gives.
///
/// # Errors
///
/// One line, as the command prints it.
pub fn pretrain(args: &Args, given: Given) -> Result<()> {
    let source = args.config.display().to_string();
    let json = given.config.map_or_else(|| fs_err::read_to_string(&args.config), Ok)?;
    let config = PretrainConfig::parse(&json, &source)?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = threads(args.threads).get();
    tch::set_num_threads(i32::try_from(threads)?);
    let corpus = match given.proteins {
        Some(proteins) => Corpus::read(proteins.into_iter().map(Ok), config.held_out_share)?,
        None => {
            let proteins = args.inputs.iter().flat_map(|path| super::one_file(path, std::num::NonZeroUsize::MIN));
            Corpus::read(proteins, config.held_out_share)?
        }
    };
    args.tell_corpus(&corpus);
    let from = args.from.as_deref().map(|name| model::open(&model::locate(name)?)).transpose()?;
    let kind = training_kind(args.dtype, device)?;
    let start = Start {
        config: &config,
        from: from.as_ref(),
        folder: &args.output,
        kind,
        device,
        overwrite: args.overwrite,
        interrupt: Interrupt::on_signal()?,
    };
    let bar = tell::bar(args.quiet, config.steps, "{bar:30} {pos}/{len} steps, {msg}, ETA {eta}");
    let outcome = task::pretrain::pretrain(&start, &corpus, &mut |progress| show(&bar, args.quiet, progress))?;
    bar.finish_and_clear();
    let baselines = task::pretrain::baselines(&corpus, &config);
    fs_err::write(args.output.join("baselines.json"), baselines.json())?;
    if let (false, Some(last)) = (args.quiet, outcome.metrics.last()) {
        eprintln!(
            "{} steps in {}: held-out perplexity {:.3}; unigram {:.3}, best k-mer model {:.3} ({} before, {} after); {}",
            last.step,
            kind_name(kind),
            last.held_out_loss.exp(),
            baselines.unigram,
            baselines.kmer,
            baselines.context.0,
            baselines.context.1,
            args.output.display()
        );
    }
    Ok(())
}

impl Args {
    fn tell_corpus(&self, corpus: &Corpus) {
        if !self.quiet {
            eprintln!(
                "{} sequences ({} residues) to train on, {} held out, {} identical to others",
                corpus.train.len(),
                corpus.residues(),
                corpus.held_out.len(),
                corpus.duplicates
            );
        }
        if let Some(first) = &corpus.first_rejected {
            tell::note(&format!("{} records were left out, the first: {first}", corpus.rejected), self.quiet);
        }
    }
}

fn training_kind(choice: DtypeChoice, device: Device) -> Result<Kind> {
    let fast = device != Device::Cpu || ferrome_core::device::instruction_sets().contains(&"avx512_bf16");
    match choice {
        DtypeChoice::Auto if fast => Ok(Kind::BFloat16),
        DtypeChoice::F16 => anyhow::bail!("training in f16 would need loss scaling: use bf16 or f32"),
        _ => Ok(choice.kind(device)?),
    }
}

fn show(bar: &ProgressBar, quiet: bool, progress: &Progress) {
    let message = format!("loss {:.3}, {:.0} tokens/s", progress.loss, progress.tokens_per_second);
    tell::progress(progress.step, Some(progress.steps), &message);
    bar.set_position(progress.step);
    bar.set_message(message);
    let Some(measured) = progress.measured.filter(|_| !quiet) else { return };
    let line = format!(
        "step {}: training perplexity {:.3}, held-out perplexity {:.3}, {:.0} tokens/s",
        measured.step,
        measured.train_loss.exp(),
        measured.held_out_loss.exp(),
        progress.tokens_per_second
    );
    if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
}
