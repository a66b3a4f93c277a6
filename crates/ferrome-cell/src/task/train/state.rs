use std::path::PathBuf;

use ferrome_core::{nn::Loader, train::write_tensors, weights::Checkpoint};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::trainer::Trainer;
use super::{Measured, Start};
use crate::model::OpenModel;
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

/// Copies of the tensors that training changes, as they were at their best.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<(String, Tensor)>);

impl State {
    pub(super) fn new(start: &Start, data: String) -> Result<Self> {
        let from = start.from.map(OpenModel::fingerprint).transpose()?.unwrap_or_else(|| "random".into());
        let vocabulary = start.vocabulary.map_or_else(|| "none".to_owned(), |v| format!("{:032x}", v.fingerprint()));
        let dtype = ferrome_core::device::kind_name(start.kind).to_owned();
        let known = [("data", data), ("from", from), ("vocabulary", vocabulary), ("dtype", dtype)];
        let mut description: Vec<_> = known.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut config = serde_json::to_value(start.config).map_err(|e| Error::Train(e.to_string()))?;
        if let Some(config) = config.as_object_mut() {
            // They decide what is written and when, not what is learnt.
            config.remove("store");
            config.remove("checkpoint_every");
            config.remove("genes"); // what the table says is in `data`
        }
        let keys = config.as_object().into_iter().flatten();
        description.extend(keys.map(|(key, value)| (key.clone(), value.to_string())));
        Ok(Self { description, ..Self::default() })
    }

    fn differences(&self, earlier: &Self) -> Vec<String> {
        let pairs = self.description.iter().zip(&earlier.description).filter(|(now, before)| now != before);
        pairs.map(|((key, now), (_, before))| format!("{key} was `{before}`, now `{now}`")).collect()
    }
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
        let under = |prefix: &str, name: &str| format!("{prefix}.{name}");
        let mut all: Vec<(String, &Tensor)> = Vec::new();
        let now = trained.into_iter().chain(self.optimiser.state());
        all.extend(now.map(|(name, tensor)| (under("now", &name), tensor)));
        all.extend(self.kept.0.iter().map(|(name, tensor)| (under("best", name), tensor)));
        let state = serde_json::to_string(&self.state).map_err(|e| Error::Train(e.to_string()))?;
        write_tensors(&all, [(KEY.to_owned(), state)], &path)?;
        self.written = std::time::Instant::now();
        Ok(())
    }
}
