use std::path::PathBuf;

use ferrome_core::device::kind_name;
use ferrome_core::journal::RunDescription;
use ferrome_core::nn::Loader;
use ferrome_core::train::{Kept, read_state, state_entry, write_tensors};
use ferrome_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::trainer::Trainer;
use super::{Measured, Start};
use crate::model::OpenModel;
use crate::{Error, Result};

/// How far a run is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    /// What must be the same for a run to go on.
    description: RunDescription,
    pub(super) step: u64,
    pub(super) epoch: u64,
    /// Batches of the epoch that are done.
    pub(super) next: usize,
    pub(super) rate: f64,
    pub(super) seconds: f64,
    pub(super) loss_sum: f64,
    pub(super) loss_steps: u64,
    pub(super) best: Option<Measured>,
    /// Measurements since the best.
    pub(super) worse: u64,
    pub(super) measured: Vec<Measured>,
    pub(super) done: bool,
}

impl State {
    pub(super) fn new(start: &Start, data: String) -> Result<Self> {
        let from = start.from.map(OpenModel::fingerprint).transpose()?.unwrap_or_else(|| "random".into());
        let vocabulary = start.vocabulary.map_or_else(|| "none".to_owned(), |v| format!("{:032x}", v.fingerprint()));
        let mut description = RunDescription::new()
            .with("data", data)
            .with("from", from)
            .with("vocabulary", vocabulary)
            .with("dtype", kind_name(start.kind));
        // They decide what is written and when, not what is learnt; what the table of genes says is in `data`.
        description.set_options(start.config, &["store", "checkpoint_every", "genes"])?;
        Ok(Self { description, ..Self::default() })
    }
}

impl Trainer<'_> {
    fn path(&self) -> PathBuf {
        self.start.folder.join("training").join("checkpoint.safetensors")
    }

    /// Goes on from what an earlier run has kept, if it has.
    pub(super) fn resume(&mut self) -> Result<()> {
        let (path, folder, overwrite) = (self.path(), self.start.folder, self.start.overwrite);
        if overwrite || !path.exists() {
            if !overwrite && folder.join("model.safetensors").exists() {
                return Err(Error::ModelExists { path: folder.to_owned() });
            }
            // From here on the folder is this run's, whenever it is killed.
            return self.keep();
        }
        let checkpoint = Checkpoint::open(&path)?;
        let state: State = read_state(&checkpoint).map_err(|e| Error::file(&path, format!("not a state: {e}")))?;
        self.state.description.refuse_other(&state.description, folder)?;
        let loader = Loader::new(&checkpoint, Kind::Float, self.start.device);
        let best = match state.best {
            Some(_) => Kept::read(&loader.pp("best"), self.network.trained())?,
            None => Kept::default(),
        };
        let now = Kept::read(&loader.pp("now"), self.network.trained())?;
        let means = self.optimiser.read_means(&loader.pp("now"))?;
        loader.finish()?;
        now.put_back(self.network.trained())?;
        self.optimiser.take_means(&means, i32::try_from(state.step).unwrap_or(i32::MAX))?;
        (self.kept, self.state) = (best, state);
        Ok(())
    }

    /// Writes what [`Trainer::resume`] needs.
    pub(super) fn keep(&mut self) -> Result<()> {
        let path = self.path();
        fs_err::create_dir_all(path.parent().unwrap_or(self.start.folder))?;
        let trained = self.network.trained();
        let now = trained.into_iter().chain(self.optimiser.state());
        let mut all: Vec<(String, &Tensor)> = now.map(|(name, tensor)| (format!("now.{name}"), tensor)).collect();
        all.extend(self.kept.under("best"));
        write_tensors(&all, [state_entry(&self.state)?], &path)?;
        self.written = std::time::Instant::now();
        Ok(())
    }
}
