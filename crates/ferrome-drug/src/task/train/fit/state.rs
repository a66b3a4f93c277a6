use std::path::PathBuf;

use ferrome_core::{nn::Loader, train::write_tensors, weights::Checkpoint};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{Lesson, Run, Trainer};
use crate::{Error, Result, model::PairModel, task::train::Measured};

/// What is kept from run to run beside the tensors.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    /// What must be the same for a run to go on.
    description: Vec<(String, String)>,
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

/// The tensors of the best epoch.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<(String, Tensor)>);

impl State {
    pub(super) fn new(run: &Run, lesson: &Lesson) -> Result<Self> {
        let defect = |e: serde_json::Error| Error::Model(e.to_string());
        let mut config = serde_json::to_value(run.config).map_err(defect)?;
        if let Some(config) = config.as_object_mut() {
            // More members, or a second training, are added to what is there; where files lie changes nothing, nor does how
            // the weights are stored in the end.
            for key in ["ensemble", "refit", "store", "data"] {
                config.remove(key);
            }
        }
        let keys = config.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string()));
        let mut description = vec![("data".to_owned(), run.data.fingerprint())];
        description.extend(keys);
        description.push(("pairs to train on".into(), lesson.split.train.len().to_string()));
        description.push(("epochs to train".into(), format!("{:?}", lesson.epochs)));
        Ok(Self { description, ..Self::default() })
    }
}

impl Kept {
    pub(super) fn of(model: &PairModel) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let copy = |(name, tensor): (String, &Tensor)| {
            let mut kept = tensor.f_zeros_like()?;
            kept.f_copy_(tensor)?;
            Ok((name, kept))
        };
        Ok(Self(model.parts().all().into_iter().map(copy).collect::<Result<_>>()?))
    }

    /// Nothing where nothing was kept.
    pub(super) fn put_back(&self, model: &PairModel) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for ((_, kept), (_, tensor)) in self.0.iter().zip(model.parts().all()) {
            tensor.shallow_clone().f_copy_(kept)?;
        }
        Ok(())
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
        let json = checkpoint.metadata().get("ferrome.state").and_then(|value| value.as_str()).unwrap_or_default();
        let state: State = serde_json::from_str(json).map_err(|e| Error::file(&path, format!("not a state: {e}")))?;
        let differences: Vec<String> = (self.state.description.iter().zip(&state.description))
            .filter(|(now, before)| now != before)
            .map(|((key, now), (_, before))| format!("{key} was `{before}`, now `{now}`"))
            .collect();
        if !differences.is_empty() {
            let path = self.run.folder.to_owned();
            return Err(ferrome_core::Error::JournalDiffers { path, differences }.into());
        }
        let loader = Loader::new(&checkpoint, Kind::Float, self.run.device);
        let read = |prefix: &str, tensors: Vec<(String, &Tensor)>| -> Result<Kept> {
            let one = |(name, tensor): (String, &Tensor)| {
                Ok((name.clone(), loader.pp(prefix).tensor(&name, &tensor.size())?))
            };
            Ok(Kept(tensors.into_iter().map(one).collect::<Result<_>>()?))
        };
        let best = if state.best.is_some() { read("best", self.model.parts().all())? } else { Kept::default() };
        // The model of a finished run that chose nothing is its last.
        let now =
            if state.done && state.best.is_some() { Kept::default() } else { read("now", self.model.parts().all())? };
        let saved = if state.done { None } else { Some(self.optimiser.read_means(&loader.pp("now"))?) };
        loader.finish()?;
        now.put_back(&self.model)?;
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
        let under = |prefix: &str, name: &str| format!("{prefix}.{name}");
        if !done || best.is_none() {
            all.extend(self.model.parts().all().into_iter().map(|(name, tensor)| (under("now", &name), tensor)));
        }
        if !done {
            all.extend(self.optimiser.state().into_iter().map(|(name, tensor)| (under("now", &name), tensor)));
        }
        all.extend(self.kept.0.iter().map(|(name, tensor)| (under("best", name), tensor)));
        let state = serde_json::to_string(&self.state).map_err(|e| Error::Model(e.to_string()))?;
        write_tensors(&all, [("ferrome.state".to_owned(), state)], &path)?;
        self.written = std::time::Instant::now();
        Ok(())
    }
}
