//! What a run keeps beside its tensors, and what must be the same for it to go on.

use std::path::Path;

use ferrome_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};

use super::{Corpus, Measured, Start, corpus::Cursor};
use crate::{Error, Result, model::OpenModel};

/// The key of the checkpoint's metadata under which it stands.
const KEY: &str = "ferrome.state";

/// How far a run is.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    description: Vec<(String, String)>,
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
        let json = checkpoint.metadata().get(KEY).and_then(|value| value.as_str()).unwrap_or_default();
        let unreadable =
            |e: serde_json::Error| Error::Config { source_name: path.display().to_string(), reason: e.to_string() };
        let earlier: Self = serde_json::from_str(json).map_err(unreadable)?;
        let differences: Vec<String> = (self.description.iter().zip(&earlier.description))
            .filter(|(now, before)| now != before)
            .map(|((key, now), (_, before))| format!("{key} was `{before}`, now `{now}`"))
            .collect();
        if differences.is_empty() {
            return Ok(earlier);
        }
        Err(ferrome_core::Error::JournalDiffers { path: folder.to_owned(), differences }.into())
    }

    /// For the checkpoint.
    pub(super) fn json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::Save(e.to_string()))
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
fn describe(start: &Start, corpus: &Corpus) -> Result<Vec<(String, String)>> {
    let from = start.from.map(OpenModel::fingerprint).transpose()?.unwrap_or_else(|| "random".into());
    let kind = ferrome_core::device::kind_name(start.kind).to_owned();
    let mut all = vec![("data".to_owned(), corpus.fingerprint()), ("from".into(), from), ("dtype".into(), kind)];
    let config = serde_json::to_value(start.config).map_err(|e| Error::Save(e.to_string()))?;
    let keys = config.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string()));
    all.extend(keys);
    Ok(all)
}
