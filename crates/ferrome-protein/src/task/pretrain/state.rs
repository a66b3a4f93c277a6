//! What a run keeps beside its tensors, and what must be the same for it to go on.

use std::path::Path;

use ferrome_core::{device::kind_name, journal::RunDescription, train::read_state, weights::Checkpoint};
use serde::{Deserialize, Serialize};

use super::{Corpus, Measured, Start, corpus::Cursor};
use crate::{Error, Result, model::OpenModel};

/// How far a run is.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    description: RunDescription,
    pub(super) step: u64,
    epoch: u64,
    next: usize,
    pub(super) tokens: u64,
    pub(super) seconds: f64,
    /// Of the steps since the last measurement.
    loss_sum: f64,
    loss_steps: u64,
    pub(super) metrics: Vec<Measured>,
}

impl State {
    /// Before the first step.
    pub(super) fn new(start: &Start, corpus: &Corpus) -> Result<Self> {
        Ok(Self { description: describe(start, corpus)?, ..Self::default() })
    }

    /// The state in the checkpoint at `path`, of a run that was started as this one.
    pub(super) fn resumed(&self, checkpoint: &Checkpoint, path: &Path, folder: &Path) -> Result<Self> {
        let unreadable =
            |e: serde_json::Error| Error::Config { source_name: path.display().to_string(), reason: e.to_string() };
        let earlier: Self = read_state(checkpoint).map_err(unreadable)?;
        self.description.refuse_other(&earlier.description, folder)?;
        Ok(earlier)
    }

    /// Where it stands in its data.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, next: self.next }
    }

    /// One step is done.
    pub(super) fn advance(&mut self, cursor: Cursor, tokens: usize, loss: f64) {
        self.step += 1;
        (self.epoch, self.next) = (cursor.epoch, cursor.next);
        self.tokens += tokens as u64;
        self.loss_sum += loss;
        self.loss_steps += 1;
    }

    /// Adds a measurement; the mean loss of training begins anew.
    pub(super) fn measured(&mut self, learning_rate: f64, held_out_loss: f64) -> Measured {
        let measured = Measured {
            step: self.step,
            epoch: self.epoch + 1,
            tokens: self.tokens,
            learning_rate,
            train_loss: self.loss_sum / self.loss_steps.max(1) as f64,
            held_out_loss,
            seconds: self.seconds,
        };
        (self.loss_sum, self.loss_steps) = (0.0, 0);
        self.metrics.push(measured);
        measured
    }
}

// What must be the same for a run to go on.
fn describe(start: &Start, corpus: &Corpus) -> Result<RunDescription> {
    let from = start.from.map(OpenModel::fingerprint).transpose()?.unwrap_or_else(|| "random".into());
    let mut description = RunDescription::new()
        .with("data", corpus.fingerprint())
        .with("from", from)
        .with("dtype", kind_name(start.kind));
    description.set_options(start.config, &[])?;
    Ok(description)
}
