use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tch::Device;

use super::lanes::Lanes;
use super::nearest::Nearest;
use crate::Result;
use crate::checkpoint::{Ensemble, Folder};
use crate::inputs::Rows;

/// A model to score with: its folder, and what makes the rows of proteins (see [`Folder::rows`]). What one run loaded serves the
/// next one that is given a clone.
#[derive(Clone, Debug)]
pub struct Model {
    /// The folder.
    pub folder: Arc<Folder>,
    /// With a table of embeddings where the model needs one.
    pub rows: Option<Arc<Rows>>,
    loaded: Arc<Loaded>,
}

/// What was loaded and is not in use.
#[derive(Default)]
pub(super) struct Loaded {
    ensembles: Mutex<Vec<(Device, Ensemble)>>,
    nearest: OnceLock<Arc<Nearest>>,
    fingerprint: OnceLock<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

impl Model {
    /// A model of which nothing is loaded yet.
    #[must_use]
    pub fn new(folder: Folder, rows: Option<Rows>) -> Self {
        Self { folder: Arc::new(folder), rows: rows.map(Arc::new), loaded: Arc::default() }
    }

    /// Loads what runs of so many threads on these devices need.
    ///
    /// # Errors
    ///
    /// The weights or the table of training molecules do not fit the model, or a device has no room.
    pub fn load(&self, devices: &[Device], threads: usize) -> Result<()> {
        self.nearest()?;
        Lanes::load(self, devices, threads).map(drop)
    }

    /// That of [`Folder::fingerprint`], for which the weights are read once.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn fingerprint(&self) -> Result<&str> {
        if let Some(known) = self.loaded.fingerprint.get() {
            return Ok(known);
        }
        let found = self.folder.fingerprint()?;
        Ok(self.loaded.fingerprint.get_or_init(|| found))
    }

    pub(super) fn nearest(&self) -> Result<Arc<Nearest>> {
        if let Some(known) = self.loaded.nearest.get() {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(Nearest::new(&self.folder.molecules()?));
        Ok(Arc::clone(self.loaded.nearest.get_or_init(|| found)))
    }

    /// Weights on `device` that nobody else uses; they come back by [`Loaded::put`].
    pub(super) fn ensemble(&self, device: Device) -> Result<Ensemble> {
        let mut waiting = self.loaded.ensembles.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|(on, _)| *on == device);
        let taken = place.map(|place| waiting.swap_remove(place).1);
        drop(waiting);
        taken.map_or_else(|| self.folder.load(device), Ok)
    }

    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded)
    }
}

impl Loaded {
    pub(super) fn put(&self, device: Device, ensemble: Ensemble) {
        self.ensembles.lock().unwrap_or_else(PoisonError::into_inner).push((device, ensemble));
    }
}
