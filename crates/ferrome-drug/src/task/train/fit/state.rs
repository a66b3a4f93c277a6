use std::path::PathBuf;

use ferrome_core::{
    journal::RunDescription,
    nn::Loader,
    train::{Kept, read_state, state_entry, write_tensors},
    weights::Checkpoint,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{Lesson, Run, Trainer};
use crate::{Error, Result, task::train::Measured};

/// What is kept from run to run beside the tensors.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    /// What must be the same for a run to go on.
    description: RunDescription,
    pub(super) epoch: u64,
    pub(super) step: u64,
    pub(super) rate: f64,
    pub(super) seconds: f64,
    /// What chose the best epoch, and which that is.
    pub(super) best: Option<f64>,
    pub(super) best_epoch: u64,
    pub(super) metrics: Vec<Measured>,
    pub(super) done: bool,
}

impl State {
    pub(super) fn new(run: &Run, lesson: &Lesson) -> Result<Self> {
        let mut description = RunDescription::new().with("data", run.data.fingerprint());
        // More members, or a second training, are added to what is there; where files lie changes nothing, nor does how the
        // weights are stored in the end.
        description.set_options(run.config, &["ensemble", "refit", "store", "data"])?;
        description.set("pairs to train on", lesson.split.train.len());
        description.set("epochs to train", format!("{:?}", lesson.epochs));
        Ok(Self { description, ..Self::default() })
    }
}

impl Trainer<'_> {
    fn path(&self) -> PathBuf {
        let refit = if self.lesson.epochs.is_some() { "-refit" } else { "" };
        self.run.folder.join(super::super::WORK).join(format!("member-{}{refit}.safetensors", self.lesson.member))
    }

    /// Goes on from what an earlier run has kept, if it has.
    pub(super) fn resume(&mut self) -> Result<()> {
        let path = self.path();
        if !path.exists() {
            return Ok(());
        }
        let checkpoint = Checkpoint::open(&path)?;
        let state: State = read_state(&checkpoint).map_err(|e| Error::file(&path, format!("not a state: {e}")))?;
        self.state.description.refuse_other(&state.description, self.run.folder)?;
        let loader = Loader::new(&checkpoint, Kind::Float, self.run.device);
        let read = |prefix: &str| Kept::read(&loader.pp(prefix), self.model.parts().all());
        let best = if state.best.is_some() { read("best")? } else { Kept::default() };
        // The model of a finished run that chose nothing is its last.
        let now = if state.done && state.best.is_some() { Kept::default() } else { read("now")? };
        let saved = if state.done { None } else { Some(self.optimiser.read_means(&loader.pp("now"))?) };
        loader.finish()?;
        now.put_back(self.model.parts().all())?;
        if let Some(saved) = saved {
            self.optimiser.take_means(&saved, i32::try_from(state.step).unwrap_or(i32::MAX))?;
        }
        (self.kept, self.state) = (best, state);
        Ok(())
    }

    /// Writes what [`Trainer::resume`] needs; of a finished run that is only the model.
    pub(super) fn keep(&mut self) -> Result<()> {
        let path = self.path();
        fs_err::create_dir_all(path.parent().unwrap_or(self.run.folder))?;
        let mut all: Vec<(String, &Tensor)> = Vec::new();
        let State { done, best, .. } = self.state;
        let now = |(name, tensor)| (format!("now.{name}"), tensor);
        if !done || best.is_none() {
            all.extend(self.model.parts().all().into_iter().map(now));
        }
        if !done {
            all.extend(self.optimiser.state().into_iter().map(now));
        }
        all.extend(self.kept.under("best"));
        write_tensors(&all, [state_entry(&self.state)?], &path)?;
        self.written = std::time::Instant::now();
        Ok(())
    }
}
