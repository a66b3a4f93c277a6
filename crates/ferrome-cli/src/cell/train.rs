//! `ferrome cell train`.

mod settings;
mod tell;

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::{Result, bail};
use clap::builder::NonEmptyStringValueParser;
use ferrome_cell::{
    Error,
    model::{self, OpenModel},
    task::train::{self, Corpus, Start},
    tokenize::Style,
    vocabulary::Vocabulary,
};
use ferrome_core::{
    device::{DeviceChoice, DtypeChoice},
    interrupt::Interrupt,
};
use tch::{Device, Kind};

const EXAMPLES: &str = r#"Examples:
  ferrome cell train labelled.parquet --objective classify --label cell_type \
      --from ctheodoris/Geneformer --freeze 1 -o types
  ferrome cell train labelled.parquet --objective classify --label cell_type \
      --lora 8 --from ctheodoris/Geneformer --lr 1e-3 -o types-lora
  echo '{"model": {"hidden_size": 128, "num_hidden_layers": 3}}' > small.json
  ferrome cell train pbmc-tokens --objective mlm --config small.json \
      --epochs 2 --vocabulary v2.json --lr 1e-3 -o small
  ferrome cell train tokens.parquet --objective classify --label disease \
      --from scGPT_human --lr 1e-4 -o scgpt-diseases

`ferrome cell tokenize --obs cell_type,donor` puts the columns beside the tokens.
CONFIG holds the same settings and more; docs/cell.md explains every key. Stopped
at any moment, the same command goes on where it was."#;

/// Writes a folder as transformers would, with metrics.csv, loss.svg, report.json, README.md and, for classes, confusion.svg and
/// predictions.csv
#[derive(clap::Parser, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Tokens with their columns: folders of `datasets`, Parquet or Arrow
    #[arg(required = true, value_name = "TOKENS")]
    inputs: Vec<PathBuf>,
    /// Start from this Geneformer or scGPT: a folder, a name in weights/, or one of `ferrome model list`; without it a new model is
    /// made
    #[arg(long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    from: Option<String>,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The vocabulary of the tokens [default: the one beside the model's weights]
    #[arg(long, value_name = "VOCAB.json")]
    vocabulary: Option<PathBuf>,
    #[command(flatten)]
    settings: settings::Settings,
    /// Where to train: auto, cpu or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    device: DeviceChoice,
    /// Products in f32 or bf16; weights are always kept in f32
    #[arg(long, default_value = "f32", value_name = "DTYPE", help_heading = "Compute")]
    dtype: DtypeChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    threads: Option<NonZeroUsize>,
    /// Forget an earlier run into the folder
    #[arg(long, help_heading = "Run")]
    overwrite: bool,
    /// No progress
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let config = args.settings.config()?;
    let device = args.device.devices()?.first().copied().unwrap_or(Device::Cpu);
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
    tch::set_num_threads(i32::try_from(threads)?);
    let from = args.from.as_deref().map(open).transpose()?;
    let vocabulary = args.vocabulary(from.as_ref())?;
    let corpus = Corpus::read(&args.inputs, config.label.as_deref(), config.split.group.as_deref())?;
    // Of the vocabulary of an scGPT only names and tokens count, which the training compares.
    let named = corpus.vocabulary.as_ref().filter(|_| !matches!(from, Some(OpenModel::ScGpt(_))));
    if let (Some(found), Some(vocabulary)) = (named, &vocabulary) {
        let expected = train::vocabulary_name(vocabulary);
        if *found != expected {
            bail!(
                "{}: its tokens were made with the vocabulary {found}; the model's is {expected}",
                args.inputs.first().map_or_else(String::new, |path| path.display().to_string())
            );
        }
    }
    tell::corpus(&corpus, args.quiet);
    let start = Start {
        config: &config,
        from: from.as_ref(),
        vocabulary: vocabulary.as_ref(),
        folder: &args.output,
        kind: kind(args.dtype, device)?,
        device,
        overwrite: args.overwrite,
        interrupt: Interrupt::on_signal()?,
    };
    let bar = crate::tell::bar(args.quiet, 1000, crate::tell::TRAINING);
    let outcome = train::train(&start, &corpus, &mut |progress| tell::progress(&bar, args.quiet, progress))?;
    bar.finish_and_clear();
    tell::outcome(&outcome, &args.output, args.quiet);
    Ok(())
}

fn open(name: &str) -> Result<OpenModel> {
    Ok(model::open(&model::locate(name)?)?)
}

fn kind(choice: DtypeChoice, device: Device) -> Result<Kind> {
    match choice {
        DtypeChoice::F16 => bail!("training in f16 would need loss scaling: use bf16 or f32"),
        _ => Ok(choice.kind(device)?),
    }
}

impl Args {
    fn vocabulary(&self, from: Option<&OpenModel>) -> Result<Option<Vocabulary>> {
        match (&self.vocabulary, from) {
            (Some(path), Some(model)) => {
                let vocabulary = Vocabulary::open(path)?;
                let (found, expected) = (vocabulary.style(), model.style());
                if expected.is_some_and(|expected| expected != found) {
                    let expected = expected.map_or("another", Style::name);
                    let reason = format!("is a vocabulary of the style {found}; the model takes {expected}");
                    return Err(Error::file(path, reason).into());
                }
                let names = |vocabulary: Vocabulary| vocabulary.tokens_fingerprint();
                if model.vocabulary()?.is_some_and(|own| names(own) != names(vocabulary.clone())) {
                    return Err(Error::file(
                        path,
                        "names other genes than the vocabulary of the model, or by other tokens",
                    )
                    .into());
                }
                Ok(Some(vocabulary))
            }
            (Some(path), None) => Ok(Some(Vocabulary::open(path)?)),
            (None, Some(model)) => Ok(model.vocabulary()?),
            (None, None) => Ok(None),
        }
    }
}
