use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ferrome_core::{
    interrupt::Interrupt,
    journal::{Lock, write_whole},
    train::AdamW,
    weights::Checkpoint,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{
    Corpus, Measured, PretrainConfig,
    corpus::{Batches, Cursor},
    curve, init,
    mask::{self, Cover, Masked},
    metrics, save,
};
use crate::{
    Error, Result,
    model::{Batch, Esm, OpenModel, PositionKind},
    tokenize,
};

/// What a run is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// How to train.
    pub config: &'a PretrainConfig,
    /// Where to start from; random weights of `config.model` without it.
    pub from: Option<&'a OpenModel>,
    /// The folder that it writes.
    pub folder: &'a Path,
    /// Dtype of the forward and backward pass; parameters and optimiser stay in f32.
    pub kind: Kind,
    /// Where to run.
    pub device: Device,
    /// Forget an earlier run into the folder.
    pub overwrite: bool,
    /// Asks the run to stop after the step in hand.
    pub interrupt: Interrupt,
}

/// How far a run is; told after every step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done, those of earlier runs included.
    pub step: u64,
    /// Of so many.
    pub steps: u64,
    /// Loss of the last step.
    pub loss: f64,
    /// Tokens per second of this run.
    pub tokens_per_second: f64,
    /// What was measured after this step, if anything was.
    pub measured: Option<Measured>,
}

/// What a finished run did.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// All measurements, those of earlier runs included.
    pub metrics: Vec<Measured>,
    /// The step it went on from, if it did.
    pub resumed: Option<u64>,
}

/// What is kept from run to run beside the tensors.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct State {
    description: Vec<(String, String)>,
    step: u64,
    epoch: u64,
    next: usize,
    tokens: u64,
    seconds: f64,
    loss_sum: f64,
    loss_steps: u64,
    metrics: Vec<Measured>,
}

const CHECKPOINT: &str = "checkpoint.safetensors";
/// In the folder as long as a run writes into it.
const LOCK: &str = ".ferrome-lock";

/// Trains, or goes on with an earlier run into the same folder. At every checkpoint the folder holds the model so far, as
/// Hugging Face lays it out, with `metrics.csv` and `loss.svg`.
///
/// # Errors
///
/// Another run writes into the folder; it holds a run with other data or options (listed); it cannot be written; the
/// training diverges; [`Error::Interrupted`] after Ctrl-C, with everything kept.
pub fn pretrain(start: &Start, corpus: &Corpus, on_progress: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    fs_err::create_dir_all(start.folder)?;
    let lock = Lock::take(start.folder.join(LOCK), start.folder)?;
    let outcome = run(start, corpus, on_progress);
    lock.release()?;
    outcome
}

fn run(start: &Start, corpus: &Corpus, on_progress: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    let mut trainer = Trainer::new(start, corpus)?;
    let resumed = (trainer.state.step > 0).then_some(trainer.state.step);
    let mut batches =
        Batches::new(corpus, start.config, Cursor { epoch: trainer.state.epoch, next: trainer.state.next });
    let began = Instant::now();
    let (seconds_before, tokens_before) = (trainer.state.seconds, trainer.state.tokens);
    while trainer.state.step < start.config.steps {
        let loss = trainer.step(&mut batches)?;
        trainer.state.seconds = seconds_before + began.elapsed().as_secs_f64();
        let step = trainer.state.step;
        let last = step == start.config.steps;
        let measured =
            (last || step.is_multiple_of(start.config.evaluate_every)).then(|| trainer.measure()).transpose()?;
        let tokens_per_second = (trainer.state.tokens - tokens_before) as f64 / began.elapsed().as_secs_f64();
        on_progress(&Progress { step, steps: start.config.steps, loss, tokens_per_second, measured });
        let stop = start.interrupt.is_raised();
        if last || stop || step.is_multiple_of(start.config.checkpoint_every) {
            trainer.keep()?;
        }
        if stop && !last {
            return Err(Error::Interrupted { step, steps: start.config.steps, overwrite: start.overwrite });
        }
    }
    Ok(Outcome { metrics: trainer.state.metrics, resumed })
}

struct Trainer<'a> {
    start: &'a Start<'a>,
    corpus: &'a Corpus,
    model: Esm,
    optimiser: AdamW,
    state: State,
}

impl<'a> Trainer<'a> {
    fn new(start: &'a Start<'a>, corpus: &'a Corpus) -> Result<Self> {
        let model = match (start.from, &start.config.model) {
            (Some(opened), _) => opened.load(Kind::Float, start.device)?,
            (None, Some(config)) => init::random(config, start.config.seed, start.device)?,
            (None, None) => return Err(Error::NoModelToTrain),
        };
        if model.config().position_embedding_type != PositionKind::Rotary {
            return Err(Error::NotTrainable { found: "learned positions (ESM-1b, ESM-1v)" });
        }
        let optimiser = AdamW::new(model.parameters(), start.config.optimiser())?;
        let description = describe(start, corpus)?;
        let state = State { description, ..State::default() };
        let mut trainer = Self { start, corpus, model, optimiser, state };
        trainer.resume()?;
        Ok(trainer)
    }

    fn resume(&mut self) -> Result<()> {
        let path = self.start.folder.join(CHECKPOINT);
        if !path.exists() || self.start.overwrite {
            if !self.start.overwrite && self.start.folder.join("model.safetensors").exists() {
                return Err(Error::ModelExists { path: self.start.folder.to_owned() });
            }
            // From here on the folder is this run's, whenever it is killed.
            return self.keep_checkpoint();
        }
        let checkpoint = Checkpoint::open(&path)?;
        let json = checkpoint.metadata().get("ferrome.state").and_then(|value| value.as_str()).unwrap_or_default();
        let unreadable =
            |e: serde_json::Error| Error::Config { source_name: path.display().to_string(), reason: e.to_string() };
        let state: State = serde_json::from_str(json).map_err(unreadable)?;
        let differences: Vec<String> = (self.state.description.iter().zip(&state.description))
            .filter(|(now, before)| now != before)
            .map(|((key, now), (_, before))| format!("{key} was `{before}`, now `{now}`"))
            .collect();
        if !differences.is_empty() {
            return Err(ferrome_core::Error::JournalDiffers { path: self.start.folder.to_owned(), differences }.into());
        }
        let step = i32::try_from(state.step).unwrap_or(i32::MAX);
        self.optimiser.restore(&checkpoint, step)?;
        self.state = state;
        Ok(())
    }

    fn step(&mut self, batches: &mut Batches) -> Result<f64> {
        let config = self.start.config;
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(u64::MAX - self.state.step); // the streams of the epochs count from 0
        let masked = mask::hide(batches.next(&mut random), config.mask_share, Cover::Bert, &mut random);
        let loss = self.loss(&masked)?;
        loss.f_backward()?;
        let rate = config.schedule().rate(self.state.step);
        self.optimiser.step(rate)?;
        let loss = loss.f_double_value(&[])?;
        self.state.step += 1;
        (self.state.epoch, self.state.next) = (batches.cursor.epoch, batches.cursor.next);
        self.state.tokens += masked.tokens as u64;
        self.state.loss_sum += loss;
        self.state.loss_steps += 1;
        Ok(loss)
    }

    // Mean cross-entropy of the hidden residues; only their logits are computed.
    fn loss(&self, masked: &Masked) -> Result<Tensor> {
        let device = self.model.device();
        let sequences: Vec<&[u8]> = masked.sequences.iter().map(Vec::as_slice).collect();
        let batch = Batch::new(&sequences, self.model.config(), device)?;
        let blocks = self.model.config().num_hidden_layers;
        let x = self.model.forward_in(self.start.kind, &batch, blocks, |_, _| Ok(()))?;
        let places = Tensor::f_from_slice(&masked.places)?.f_to_device(device)?;
        let targets = Tensor::f_from_slice(&masked.targets)?.f_to_device(device)?;
        let logits = self.model.logits(&x.f_index_select(0, &places)?)?.f_to_kind(Kind::Float)?; // [m, 33]
        Ok(logits.f_cross_entropy_loss::<Tensor>(&targets, None, tch::Reduction::Mean, -100, 0.0)?)
    }

    fn measure(&mut self) -> Result<Measured> {
        let _guard = tch::no_grad_guard();
        let config = self.start.config;
        let mut random = ChaCha8Rng::seed_from_u64(config.seed); // the same masks every time
        let (mut sum, mut count) = (0.0, 0_usize);
        for batch in held_out_batches(self.corpus, config) {
            let masked = mask::hide(batch, config.mask_share, Cover::Mask, &mut random);
            if !masked.places.is_empty() {
                sum += self.loss(&masked)?.f_double_value(&[])? * masked.places.len() as f64;
                count += masked.places.len();
            }
        }
        let state = &mut self.state;
        let measured = Measured {
            step: state.step,
            epoch: state.epoch + 1,
            tokens: state.tokens,
            learning_rate: config.schedule().rate(state.step.saturating_sub(1)),
            train_loss: state.loss_sum / state.loss_steps.max(1) as f64,
            held_out_loss: sum / count.max(1) as f64,
            seconds: state.seconds,
        };
        (state.loss_sum, state.loss_steps) = (0.0, 0);
        state.metrics.push(measured);
        write_whole(&self.start.folder.join("metrics.csv"), metrics::csv(&state.metrics))?;
        curve::draw(&state.metrics, &self.start.folder.join("loss.svg"))?;
        Ok(measured)
    }

    // The checkpoint last: what is written before it belongs to the same step or is written again.
    fn keep(&self) -> Result<()> {
        save::hugging_face(&self.model, self.start.folder)?;
        self.keep_checkpoint()
    }

    fn keep_checkpoint(&self) -> Result<()> {
        let state = serde_json::to_string(&self.state).map_err(|e| Error::Save(e.to_string()))?;
        let path: PathBuf = self.start.folder.join(CHECKPOINT);
        save::checkpoint(self.model.parameters(), self.optimiser.state(), state, &path)
    }
}

/// The held-out sequences in order, up to the configured number of tokens, each cut at `max_length`.
pub(super) fn held_out_batches<'a>(
    corpus: &'a Corpus,
    config: &'a PretrainConfig,
) -> impl Iterator<Item = Vec<Vec<u8>>> + 'a {
    let mut rest = corpus.held_out.iter();
    let mut left = config.evaluate_tokens;
    std::iter::from_fn(move || {
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while tokens < config.batch_tokens && left > 0 {
            let Some(sequence) = rest.next() else { break };
            let piece = sequence.get(..config.max_length).unwrap_or(sequence);
            tokens += piece.len() + 2;
            left = left.saturating_sub(piece.len() + 2);
            batch.push(tokenize::framed(piece));
        }
        (!batch.is_empty()).then_some(batch)
    })
}

// What must be the same for a run to go on.
fn describe(start: &Start, corpus: &Corpus) -> Result<Vec<(String, String)>> {
    let from = start.from.map(OpenModel::fingerprint).transpose()?.unwrap_or_else(|| "random".into());
    let kind = ferrome_core::device::kind_name(start.kind).to_owned();
    let mut all = vec![("data".to_owned(), corpus.fingerprint()), ("from".into(), from), ("dtype".into(), kind)];
    let config = serde_json::to_value(start.config).map_err(|e| Error::Save(e.to_string()))?;
    let keys = config.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string()));
    all.extend(keys);
    Ok(all)
}
