//! The steps of a training, from a checkpoint to the next.

use std::time::{Duration, Instant};

use ferrome_core::journal::Lock;
use ferrome_core::train::{AdamW, Kept, seed_step};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::config::TICKS;
use super::lesson::{Lesson, Part};
use super::network::{NO_MODEL, Network};
use super::state::State;
use super::{Corpus, Measured, Outcome, Progress, Start, finish, measured};
use crate::model::Shape;
use crate::{Error, Result};

/// Between two checkpoints at least so much time passes.
const BETWEEN: Duration = Duration::from_secs(20);
/// In the folder as long as a run writes into it.
const LOCK: &str = ".ferrome-lock";

/// Trains, or goes on with an earlier run into the same folder, which in the end holds the model as transformers would save
/// it, with `metrics.csv`, `loss.svg`, `split.json`, `report.json`, for classes `confusion.svg` and `predictions.csv`, and a
/// card.
///
/// # Errors
///
/// Another run writes into the folder; it holds a run with other data or options (listed); the data do not fit the model or
/// have one class; the training diverges; [`Error::Interrupted`] after Ctrl-C, with everything kept.
pub fn train(start: &Start, corpus: &Corpus, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    let shape = shape(start)?;
    let lesson = Lesson::new(start, corpus, &shape)?;
    fs_err::create_dir_all(start.folder)?;
    let lock = Lock::take(start.folder.join(LOCK), start.folder)?;
    let outcome = run(start, &lesson, &shape, tell);
    lock.release()?;
    outcome
}

/// The model's sizes: the checkpoint's, or those of random weights for the vocabulary.
fn shape(start: &Start) -> Result<Shape> {
    if let Some(opened) = start.from {
        return Ok(opened.shape());
    }
    if start.config.model.is_none() {
        return Err(Error::Train(NO_MODEL.into()));
    }
    let vocabulary = start.vocabulary.ok_or_else(|| {
        Error::Train("a new model needs the vocabulary that the cells were tokenized with (--vocabulary)".into())
    })?;
    let genes = vocabulary.genes().iter().map(|gene| gene.token);
    let tokens = genes.chain(vocabulary.specials().iter().map(|(_, token)| *token));
    let rows = tokens.max().map_or(0, |last| i64::from(last) + 1);
    start.config.shape(vocabulary.style(), rows, "model")?.ok_or_else(|| Error::Train(NO_MODEL.into()))
}

fn run(start: &Start, lesson: &Lesson, shape: &Shape, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    let mut trainer = Trainer::new(start, lesson, shape)?;
    let resumed = (trainer.state.step > 0).then_some(trainer.state.step);
    trainer.epochs(tell)?;
    trainer.kept.put_back(trainer.network.trained())?;
    let report = finish::finish(start, lesson, &trainer.network, &trainer.state)?;
    Ok(Outcome { measured: trainer.state.measured.clone(), best: trainer.state.best, resumed, report })
}

/// A training in hand.
pub(super) struct Trainer<'a> {
    pub(super) start: &'a Start<'a>,
    lesson: &'a Lesson<'a>,
    pub(super) network: Network,
    pub(super) optimiser: AdamW,
    pub(super) state: State,
    pub(super) kept: Kept,
    pub(super) written: Instant,
}

impl<'a> Trainer<'a> {
    fn new(start: &'a Start<'a>, lesson: &'a Lesson<'a>, shape: &Shape) -> Result<Self> {
        let network = Network::new(start, lesson, shape)?;
        let optimiser = AdamW::new(network.trained(), start.config.optimiser())?;
        let state = State::new(start, lesson.identity())?;
        let mut trainer =
            Self { start, lesson, network, optimiser, state, kept: Kept::default(), written: Instant::now() };
        trainer.resume()?;
        Ok(trainer)
    }

    fn epochs(&mut self, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
        let (began, before, mut tokens) = (Instant::now(), self.state.seconds, 0_usize);
        while !self.is_done() {
            let steps = self.lesson.steps(self.state.epoch);
            while let Some(cells) = steps.get(self.state.next).filter(|_| !self.state.done) {
                let share = self.state.next as f64 / steps.len() as f64;
                let loss = self.step(cells, share)?;
                tokens += cells.iter().map(|&cell| self.lesson.tokens(cell).len()).sum::<usize>();
                self.state.seconds = before + began.elapsed().as_secs_f64();
                self.advance(steps.len());
                let measured = self.is_time().then(|| self.measure(steps.len())).transpose()?;
                self.state.done = self.is_done();
                let tokens_per_second = tokens as f64 / began.elapsed().as_secs_f64();
                let (epoch, epochs) = (self.at(steps.len()), self.start.config.epochs);
                tell(&Progress { epoch, epochs, loss, tokens_per_second, measured });
                let stop = self.start.interrupt.is_raised() && !self.state.done;
                if self.state.done || stop || self.is_checkpoint_due() {
                    self.keep()?;
                }
                if stop {
                    return Err(Error::Interrupted {
                        done: format!("{epoch:.1} of {epochs} epochs"),
                        overwrite: self.start.overwrite,
                    });
                }
                if self.state.next == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_checkpoint_due(&self) -> bool {
        match self.start.config.checkpoint_every {
            0 => self.written.elapsed() > BETWEEN,
            every => self.state.step.is_multiple_of(every),
        }
    }

    fn is_done(&self) -> bool {
        let config = self.start.config;
        let tired = config.patience > 0 && self.state.worse >= config.patience;
        self.state.done || self.state.epoch >= config.epochs || tired
    }

    /// Epochs done, with the share of the one in hand.
    fn at(&self, steps: usize) -> f64 {
        self.state.epoch as f64 + self.state.next as f64 / steps.max(1) as f64
    }

    fn is_time(&self) -> bool {
        let every = self.start.config.evaluate_every;
        let last = self.state.next == 0 && self.state.epoch >= self.start.config.epochs;
        last || if every == 0 { self.state.next == 0 } else { self.state.step.is_multiple_of(every) }
    }

    fn step(&mut self, cells: &[usize], share: f64) -> Result<f64> {
        let config = self.start.config;
        // Every step draws its own numbers, so that one that is done again draws the same.
        seed_step(config.seed, self.state.step);
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(u64::MAX - self.state.step); // the streams of the epochs count from 0
        self.state.rate = config.schedule().rate(self.state.epoch * TICKS + (share * TICKS as f64) as u64);
        let Some(loss) = self.lesson.loss(&self.network, cells, &mut random)? else { return Ok(0.0) };
        loss.f_backward()?;
        self.optimiser.step(self.state.rate)?;
        let loss = loss.f_double_value(&[])?;
        self.state.loss_sum += loss;
        self.state.loss_steps += 1;
        Ok(loss)
    }

    fn advance(&mut self, steps: usize) {
        self.state.step += 1;
        self.state.next += 1;
        if self.state.next >= steps {
            (self.state.epoch, self.state.next) = (self.state.epoch + 1, 0);
        }
    }

    fn measure(&mut self, steps: usize) -> Result<Measured> {
        let found = self.lesson.evaluate(&self.network, Part::Validation)?;
        let classes = self.lesson.classes().map(|classes| classes.names.as_slice());
        let measured = Measured {
            step: self.state.step,
            epoch: self.at(steps),
            learning_rate: self.state.rate,
            train_loss: self.state.loss_sum / self.state.loss_steps.max(1) as f64,
            validation_loss: found.loss,
            quality: classes.map(|classes| found.predictions.confusion(classes).quality()),
            seconds: self.state.seconds,
        };
        (self.state.loss_sum, self.state.loss_steps) = (0.0, 0);
        self.state.measured.push(measured);
        if self.state.best.is_none_or(|best| found.loss < best.validation_loss) {
            self.kept = Kept::of(self.network.trained())?;
            (self.state.best, self.state.worse) = (Some(measured), 0);
        } else {
            self.state.worse += 1;
        }
        measured::write(&self.state.measured, self.start.folder)?;
        Ok(measured)
    }
}
