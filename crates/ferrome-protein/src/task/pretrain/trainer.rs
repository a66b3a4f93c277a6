//! The steps of a training, from a checkpoint to the next.

use std::time::Instant;

use ferrome_core::{
    journal::{Lock, write_whole},
    train::AdamW,
    weights::Checkpoint,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::{
    Corpus, Measured, Outcome, Progress, Start,
    corpus::Batches,
    curve, held_out, init,
    mask::{self, Cover, Masked},
    metrics, save,
    state::State,
};
use crate::{
    Error, Result,
    model::{Batch, Esm, PositionKind},
};

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
    let mut batches = Batches::new(corpus, start.config, trainer.state.cursor());
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
        let state = State::new(start, corpus)?;
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
        self.state = self.state.resumed(&checkpoint, &path, self.start.folder)?;
        let step = i32::try_from(self.state.step).unwrap_or(i32::MAX);
        Ok(self.optimiser.restore(&checkpoint, step)?)
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
        self.state.advance(batches.cursor, masked.tokens, loss);
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
        let held_out = held_out::mean(self.corpus, config, |masked| Ok(self.loss(masked)?.f_double_value(&[])?))?;
        let rate = config.schedule().rate(self.state.step.saturating_sub(1));
        let measured = self.state.measured(rate, held_out);
        write_whole(&self.start.folder.join("metrics.csv"), metrics::csv(&self.state.metrics))?;
        curve::draw(&self.state.metrics, &self.start.folder.join("loss.svg"))?;
        Ok(measured)
    }

    // The checkpoint last: what is written before it belongs to the same step or is written again.
    fn keep(&self) -> Result<()> {
        save::hugging_face(&self.model, self.start.folder)?;
        self.keep_checkpoint()
    }

    fn keep_checkpoint(&self) -> Result<()> {
        let path = self.start.folder.join(CHECKPOINT);
        save::checkpoint(self.model.parameters(), self.optimiser.state(), &self.state, &path)
    }
}
