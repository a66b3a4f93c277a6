//! The training: epochs of steps, and the weights that tell hidden genes best.

use std::path::Path;

use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::Lock;
use ferrome_core::train::{AdamW, Kept, seed_step};
use tch::{Device, Kind};

use super::loss::{self, Hidden};
use super::order::Split;
use super::state::State;
use super::{Corpus, IntegrateConfig, Measured, measured};
use crate::model::scgpt::Integrator;
use crate::{Error, Result};

/// In the folder as long as a run writes into it.
const LOCK: &str = ".ferrome-lock";
/// The stream of chance that hides genes of a validation batch; those of the steps count from 0.
const VALIDATION: u64 = 1 << 60;

/// What a run is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// How to train.
    pub config: &'a IntegrateConfig,
    /// The cells.
    pub corpus: &'a Corpus,
    /// The fingerprint of the model that it begins with.
    pub from: &'a str,
    /// The folder that it writes.
    pub folder: &'a Path,
    /// What products are computed in.
    pub kind: Kind,
    /// Where it runs.
    pub device: Device,
    /// Forget an earlier run into the folder.
    pub overwrite: bool,
    /// Asks the run to stop after the step in hand.
    pub interrupt: Interrupt,
}

/// How far a run is; told after every step.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Steps done, those of earlier runs included.
    pub step: u64,
    /// Epochs done, with the share of the one in hand.
    pub epoch: f64,
    /// Of so many.
    pub epochs: u64,
    /// Loss of the step.
    pub loss: f64,
    /// What was found, where the step was an epoch's last.
    pub measured: Option<&'a Measured>,
}

/// What a training was.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Every epoch.
    pub measured: Vec<Measured>,
    /// The one whose weights were taken.
    pub best: Option<Measured>,
}

/// Trains `model`, or goes on with an earlier run into the same folder: the result is the same to the last bit. In the end the model
/// has the weights of the epoch with the lowest validation error, and the folder `metrics.csv` and `loss.svg`.
///
/// # Errors
///
/// Another run writes into the folder, or it holds a run with other data or options (listed); it cannot be written; the training
/// diverges; [`Error::Interrupted`] after Ctrl-C, with everything kept.
pub fn train(start: &Start, model: &Integrator, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    fs_err::create_dir_all(start.folder)?;
    let lock = Lock::take(start.folder.join(LOCK), start.folder)?;
    let outcome = run(start, model, tell);
    lock.release()?;
    outcome
}

fn run(start: &Start, model: &Integrator, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    let mut trainer = Trainer {
        start,
        model,
        split: Split::new(start.corpus, start.config),
        optimiser: AdamW::new(model.parameters(), start.config.optimiser())?,
        state: State::new(start)?,
        kept: Kept::default(),
    };
    trainer.resume()?;
    while trainer.state.epoch < start.config.epochs {
        trainer.epoch(tell)?;
    }
    trainer.kept.put_back(model.tensors())?;
    measured::write(&trainer.state.measured, start.folder)?;
    Ok(Outcome { measured: trainer.state.measured, best: trainer.state.best })
}

/// A training in hand.
pub(super) struct Trainer<'a> {
    pub(super) start: &'a Start<'a>,
    pub(super) model: &'a Integrator,
    split: Split,
    pub(super) optimiser: AdamW,
    pub(super) state: State,
    pub(super) kept: Kept,
}

impl Trainer<'_> {
    /// The rest of the epoch that the state is in.
    fn epoch(&mut self, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
        let (config, epochs) = (self.start.config, self.start.config.epochs);
        let steps = self.split.steps(self.start.corpus, config, self.state.epoch);
        while let Some(cells) = steps.get(self.state.next) {
            let loss = self.step(cells)?;
            self.state.step += 1;
            self.state.next += 1;
            let last = self.state.next == steps.len();
            let epoch = self.state.epoch as f64 + self.state.next as f64 / steps.len() as f64;
            if last {
                self.measure(steps.len())?;
            }
            let measured = self.state.measured.last().filter(|_| last);
            tell(&Progress { step: self.state.step, epoch, epochs, loss, measured });
            let done = self.state.epoch == epochs;
            let stop = self.start.interrupt.is_raised() && !done;
            if done || stop || self.state.step.is_multiple_of(config.checkpoint_every) {
                self.keep()?;
            }
            if stop {
                let done = format!("{epoch:.1} of {epochs} epochs");
                return Err(Error::Interrupted { done, overwrite: self.start.overwrite });
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    fn step(&mut self, cells: &[usize]) -> Result<f64> {
        let Start { config, corpus, kind, device, .. } = self.start;
        // Every step draws its own dropout, so that one that is done again draws the same.
        seed_step(config.seed, self.state.step);
        let mask = loss::mask_value(self.model.model.config());
        let hidden = Hidden::new((corpus, cells), config, mask, self.state.step, *device)?;
        let parts = loss::parts(self.model, &hidden, config, *kind)?;
        let mut whole = None;
        for (_, part) in &parts {
            whole = Some(match whole {
                None => part.shallow_clone(),
                Some(sum) => part.f_add(&sum)?,
            });
        }
        let Some(whole) = whole else { return Ok(0.0) };
        whole.f_backward()?;
        self.optimiser.step(config.rate(self.state.epoch))?;
        self.state.sums.resize_with(parts.len(), Default::default);
        for (sum, (name, part)) in self.state.sums.iter_mut().zip(&parts) {
            *sum = ((*name).to_owned(), sum.1 + part.f_double_value(&[])?);
        }
        Ok(whole.f_double_value(&[])?)
    }

    /// Ends an epoch.
    fn measure(&mut self, steps: usize) -> Result<()> {
        let parts = std::mem::take(&mut self.state.sums).into_iter();
        let measured = Measured {
            epoch: self.state.epoch + 1,
            step: self.state.step,
            learning_rate: self.start.config.rate(self.state.epoch),
            parts: parts.map(|(name, sum)| (name, sum / steps as f64)).collect(),
            validation: self.validate()?,
        };
        if self.state.best.as_ref().is_none_or(|best| measured.validation < best.validation) {
            self.kept = Kept::of(self.model.tensors())?;
            self.state.best = Some(measured.clone());
        }
        self.state.measured.push(measured);
        (self.state.epoch, self.state.next) = (self.state.epoch + 1, 0);
        measured::write(&self.state.measured, self.start.folder)
    }

    /// The mean error over the cells that were held back; the same genes are hidden each time.
    fn validate(&self) -> Result<f64> {
        let _guard = tch::no_grad_guard();
        let Start { config, corpus, device, .. } = self.start;
        let mask = loss::mask_value(self.model.model.config());
        let (mut sum, mut cells) = (0.0, 0_usize);
        for (stream, some) in (VALIDATION..).zip(self.split.validation.chunks(config.batch_cells)) {
            let hidden = Hidden::new((corpus, some), config, mask, stream, *device)?;
            sum += loss::error(self.model, &hidden)? * some.len() as f64;
            cells += some.len();
        }
        Ok(sum / cells.max(1) as f64)
    }
}
