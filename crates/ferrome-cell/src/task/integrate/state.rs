//! What a run goes on from.

use std::path::PathBuf;

use ferrome_core::device::kind_name;
use ferrome_core::fingerprint::{Fingerprint, hex};
use ferrome_core::journal::RunDescription;
use ferrome_core::nn::Loader;
use ferrome_core::train::{Kept, read_state, state_entry, write_tensors};
use ferrome_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::fit::Trainer;
use super::{Corpus, Measured, Start};
use crate::{Error, Result};

/// How far a run is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    /// What must be the same for a run to go on.
    description: RunDescription,
    pub(super) step: u64,
    pub(super) epoch: u64,
    /// Steps of the epoch that are done.
    pub(super) next: usize,
    /// Sums over them of the parts of the loss.
    pub(super) sums: Vec<(String, f64)>,
    pub(super) best: Option<Measured>,
    pub(super) measured: Vec<Measured>,
}

impl State {
    pub(super) fn new(start: &Start) -> Result<Self> {
        let mut description = RunDescription::new()
            .with("cells", identity(start.corpus))
            .with("from", start.from)
            .with("dtype", kind_name(start.kind));
        description.set_options(start.config, &["checkpoint_every"])?; // decides when is written, not what is learnt
        Ok(Self { description, ..Self::default() })
    }
}

/// A digest of all that is learnt from.
fn identity(corpus: &Corpus) -> String {
    let mut all = Fingerprint::new();
    for name in corpus.genes.iter().chain(&corpus.batches) {
        all = all.field(name.as_bytes());
    }
    for (cell, &batch) in corpus.batch.iter().enumerate() {
        all.push(&(batch as u64).to_le_bytes());
        let bins: Vec<u8> = corpus.bins(cell).iter().flat_map(|bin| bin.to_le_bytes()).collect();
        all.push(&bins);
    }
    hex(all.finish())
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
        let kept = match state.best {
            Some(_) => Kept::read(&loader.pp("best"), self.model.tensors())?,
            None => Kept::default(),
        };
        let now = Kept::read(&loader.pp("now"), self.model.tensors())?;
        let means = self.optimiser.read_means(&loader.pp("now"))?;
        loader.finish()?;
        now.put_back(self.model.tensors())?;
        self.optimiser.take_means(&means, i32::try_from(state.step).unwrap_or(i32::MAX))?;
        (self.kept, self.state) = (kept, state);
        Ok(())
    }

    /// Writes what [`Trainer::resume`] needs.
    pub(super) fn keep(&mut self) -> Result<()> {
        let path = self.path();
        fs_err::create_dir_all(path.parent().unwrap_or(self.start.folder))?;
        let now = self.model.tensors().into_iter().chain(self.optimiser.state());
        let mut all: Vec<(String, &Tensor)> = now.map(|(name, tensor)| (format!("now.{name}"), tensor)).collect();
        all.extend(self.kept.under("best"));
        Ok(write_tensors(&all, [state_entry(&self.state)?], &path)?)
    }
}
