//! The training of one model: epochs, the best of them, and going on after a stop.

mod loss;
mod prepare;
mod state;

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use ferrome_core::{
    interrupt::Interrupt,
    train::{AdamW, Kept, seed_step},
};
use tch::Device;

use super::{
    Data, Measured, Progress, Quality, Split, TrainConfig, batches,
    config::TICKS,
    features::{Predictions, ProteinRows, Whole},
};
use crate::{
    Error, Result,
    inputs::Drug,
    model::{DrugBatch, PairConfig, PairModel, Weights},
};
use state::State;

/// Between two checkpoints at least so much time passes.
const BETWEEN: Duration = Duration::from_secs(20);

/// What all models of a run share.
#[derive(Debug)]
pub(super) struct Run<'a> {
    /// That of the member in hand.
    pub(super) config: &'a TrainConfig,
    /// Models of the run.
    pub(super) members: usize,
    pub(super) data: &'a Data,
    pub(super) drugs: &'a [Drug],
    pub(super) folder: &'a std::path::Path,
    pub(super) device: Device,
    pub(super) interrupt: &'a Interrupt,
}

/// What one model is trained on.
#[derive(Debug)]
pub(super) struct Lesson {
    pub(super) member: usize,
    pub(super) split: Split,
    pub(super) rows: Rc<ProteinRows>,
    pub(super) model: PairConfig,
    /// Mean and standard deviation of the training values.
    pub(super) label: (f64, f64),
    /// Train for so many epochs and choose none.
    pub(super) epochs: Option<u64>,
}

/// A trained model.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) model: PairModel,
    /// The epoch that was chosen.
    pub(super) epoch: u64,
    pub(super) measured: Vec<Measured>,
    /// What it says of the validation and of the test pairs.
    pub(super) validation: Predictions,
    pub(super) test: Predictions,
}

struct Trainer<'a> {
    run: &'a Run<'a>,
    lesson: &'a Lesson,
    model: PairModel,
    optimiser: AdamW,
    whole: Whole,
    state: State,
    kept: Kept,
    /// The drugs of the last step as a batch: those of a small set are the same in every step.
    last: Option<(Vec<usize>, DrugBatch)>,
    written: Instant,
}

/// Trains a model, or goes on with an earlier run.
pub(super) fn fit(run: &Run, lesson: &Lesson, before: &[Measured], tell: &mut dyn FnMut(&Progress)) -> Result<Fitted> {
    let mut trainer = Trainer::new(run, lesson)?;
    trainer.resume()?;
    let began = Instant::now();
    let seconds = trainer.state.seconds;
    while !trainer.is_done() {
        let loss = trainer.epoch(tell)?;
        trainer.state.seconds = seconds + began.elapsed().as_secs_f64();
        let measured = trainer.measure(loss)?;
        let lines: Vec<Measured> = before.iter().chain(&trainer.state.metrics).copied().collect();
        super::measured::write(&lines, run.config.objective, run.folder)?;
        tell(&trainer.progress(0.0, Some(measured)));
        trainer.state.done = trainer.is_done();
        let stop = run.interrupt.is_raised() && !trainer.state.done;
        if trainer.state.done || stop || trainer.written.elapsed() > BETWEEN {
            trainer.keep()?;
        }
        if stop {
            return Err(Error::Stopped { member: lesson.member, epoch: trainer.state.epoch });
        }
    }
    trainer.finish()
}

impl<'a> Trainer<'a> {
    fn new(run: &'a Run<'a>, lesson: &'a Lesson) -> Result<Self> {
        let config = run.config;
        let model = PairModel::load(Weights::random(config.seed as i64, run.device), &lesson.model)?;
        prepare::silence_unseen_bits(&model, run, lesson)?;
        prepare::standardize_rows(&model, run, lesson)?;
        let optimiser = AdamW::new(model.parts().trained(), config.optimiser())?;
        let whole = Whole::new(run.data, run.drugs, &lesson.rows, &lesson.model, run.device)?;
        let state = State::new(run, lesson)?;
        Ok(Self {
            run,
            lesson,
            model,
            optimiser,
            whole,
            state,
            kept: Kept::default(),
            last: None,
            written: Instant::now(),
        })
    }

    fn epochs(&self) -> u64 {
        self.lesson.epochs.unwrap_or(self.run.config.epochs)
    }

    fn is_done(&self) -> bool {
        let patience = self.run.config.patience;
        let tired =
            patience > 0 && self.lesson.epochs.is_none() && self.state.epoch >= self.state.best_epoch + patience;
        self.state.done || self.state.epoch >= self.epochs() || (tired && self.state.epoch > 0)
    }

    fn seed(&self) -> u64 {
        self.run.config.seed
    }

    /// The mean loss over the pairs of an epoch.
    fn epoch(&mut self, tell: &mut dyn FnMut(&Progress)) -> Result<f64> {
        let (config, data) = (self.run.config, self.run.data);
        let steps = batches::epoch(&config.batches, data, &self.lesson.split.train, self.seed(), self.state.epoch);
        let (mut sum, mut pairs) = (0.0, 0);
        for (i, step) in steps.iter().enumerate() {
            let share = i as f64 / steps.len() as f64;
            let rate = config.schedule().rate(self.state.epoch * TICKS + (share * TICKS as f64) as u64);
            // Every step draws its own numbers, so that one that is done again draws the same.
            seed_step(self.seed(), self.state.step);
            let loss = self.loss(step)?;
            loss.f_backward()?;
            self.optimiser.step(rate)?;
            sum += loss.f_double_value(&[])? * step.pairs.len() as f64;
            pairs += step.pairs.len();
            self.state.step += 1;
            self.state.rate = rate;
            tell(&self.progress(share, None));
        }
        self.state.epoch += 1;
        Ok(sum / pairs.max(1) as f64)
    }

    fn predict(&self, which: &[usize]) -> Result<Predictions> {
        self.whole.predict(&self.model, self.run.data, which, self.lesson.label)
    }

    fn measure(&mut self, train_loss: f64) -> Result<Measured> {
        let (config, data, split) = (self.run.config, self.run.data, &self.lesson.split);
        let objective = config.objective;
        let refit = self.lesson.epochs.is_some();
        let quality =
            |which: &[usize]| -> Result<Quality> { Ok(Quality::of(&self.predict(which)?, data, which, objective)) };
        let validation = if refit { Quality::default() } else { quality(&split.validation)? };
        let test = if config.watch_test && !split.test.is_empty() { quality(&split.test)? } else { Quality::default() };
        let state = &mut self.state;
        let measured = Measured {
            member: self.lesson.member,
            refit,
            epoch: state.epoch,
            learning_rate: state.rate,
            train_loss,
            validation,
            test,
            seconds: state.seconds,
        };
        state.metrics.push(measured);
        let found = validation.chooser(objective);
        if refit || state.best.is_none_or(|best| found < best) {
            state.best = (!refit).then_some(found);
            state.best_epoch = state.epoch;
            if !refit {
                self.kept = Kept::of(self.model.parts().all())?;
            }
        }
        Ok(measured)
    }

    fn progress(&self, share: f64, measured: Option<Measured>) -> Progress {
        Progress {
            member: self.lesson.member,
            members: self.run.members,
            fast: false,
            refit: self.lesson.epochs.is_some(),
            epoch: self.state.epoch as f64 + share,
            epochs: self.epochs(),
            measured,
        }
    }

    /// The model as it was at its best.
    fn finish(mut self) -> Result<Fitted> {
        self.kept.put_back(self.model.parts().all())?;
        let split = &self.lesson.split;
        let (validation, test) = (self.predict(&split.validation)?, self.predict(&split.test)?);
        let (epoch, measured) = (self.state.best_epoch, std::mem::take(&mut self.state.metrics));
        Ok(Fitted { epoch, measured, validation, test, model: self.model })
    }
}
