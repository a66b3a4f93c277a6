//! What a run goes on from.

use std::path::PathBuf;

use ferrome_core::device::kind_name;
use ferrome_core::fingerprint::{Fingerprint, hex};
use ferrome_core::nn::Loader;
use ferrome_core::train::write_tensors;
use ferrome_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::fit::Trainer;
use super::{Corpus, Measured, Start};
use crate::{Error, Result};

/// The key of the checkpoint's metadata under which it stands.
const KEY: &str = "ferrome.state";

/// How far a run is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct State {
    /// What must be the same for a run to go on.
    description: Vec<(String, String)>,
    pub(super) step: u64,
    pub(super) epoch: u64,
    /// Steps of the epoch that are done.
    pub(super) next: usize,
    /// Sums over them of the parts of the loss.
    pub(super) sums: Vec<(String, f64)>,
    pub(super) best: Option<Measured>,
    pub(super) measured: Vec<Measured>,
}

/// Copies of all tensors, as they were at their best.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<(String, Tensor)>);

impl State {
    pub(super) fn new(start: &Start) -> Result<Self> {
        let mut config = serde_json::to_value(start.config).map_err(std::io::Error::from)?;
        if let Some(config) = config.as_object_mut() {
            config.remove("checkpoint_every"); // decides when is written, not what is learnt
        }
        let known = [
            ("cells", identity(start.corpus)),
            ("from", start.from.to_owned()),
            ("dtype", kind_name(start.kind).to_owned()),
        ];
        let mut description: Vec<_> = known.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let keys = config.as_object().into_iter().flatten();
        description.extend(keys.map(|(key, value)| (key.clone(), value.to_string())));
        Ok(Self { description, ..Self::default() })
    }

    fn differences(&self, earlier: &Self) -> Vec<String> {
        let pairs = self.description.iter().zip(&earlier.description).filter(|(now, before)| now != before);
        pairs.map(|((key, now), (_, before))| format!("{key} was `{before}`, now `{now}`")).collect()
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

impl Kept {
    pub(super) fn of(tensors: Vec<(String, &Tensor)>) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let copy = |(name, tensor): (String, &Tensor)| {
            let mut kept = tensor.f_zeros_like()?;
            kept.f_copy_(tensor)?;
            Ok((name, kept))
        };
        Ok(Self(tensors.into_iter().map(copy).collect::<Result<_>>()?))
    }

    /// Nothing where nothing was kept.
    pub(super) fn put_back(&self, tensors: Vec<(String, &Tensor)>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for ((_, kept), (_, tensor)) in self.0.iter().zip(tensors) {
            tensor.shallow_clone().f_copy_(kept)?;
        }
        Ok(())
    }

    fn read(loader: &Loader, tensors: Vec<(String, &Tensor)>) -> Result<Self> {
        let one = |(name, tensor): (String, &Tensor)| Ok((name.clone(), loader.tensor(&name, &tensor.size())?));
        Ok(Self(tensors.into_iter().map(one).collect::<Result<_>>()?))
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
        let json = checkpoint.metadata().get(KEY).and_then(|value| value.as_str()).unwrap_or_default();
        let state: State = serde_json::from_str(json).map_err(|e| Error::file(&path, format!("not a state: {e}")))?;
        let differences = self.state.differences(&state);
        if !differences.is_empty() {
            return Err(ferrome_core::Error::JournalDiffers { path: folder.to_owned(), differences }.into());
        }
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
        all.extend(self.kept.0.iter().map(|(name, tensor)| (format!("best.{name}"), tensor)));
        let state = serde_json::to_string(&self.state).map_err(std::io::Error::from)?;
        Ok(write_tensors(&all, [(KEY.to_owned(), state)], &path)?)
    }
}
