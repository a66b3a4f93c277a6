use std::sync::{Mutex, OnceLock, PoisonError};

use tch::{Device, Kind};

use super::{Esm, OpenModel};
use crate::Result;

/// A model that stays where it was loaded, so that many jobs, also at once, read its weights once.
#[derive(Debug)]
pub struct Resident {
    /// The checkpoint.
    pub open: OpenModel,
    loaded: Mutex<Vec<(Kind, Device, Esm)>>,
    fingerprint: OnceLock<String>,
}

impl Resident {
    /// The checkpoint, of which nothing is loaded yet.
    #[must_use]
    pub fn new(open: OpenModel) -> Self {
        Self { open, loaded: Mutex::default(), fingerprint: OnceLock::new() }
    }

    /// Another handle on the weights in `kind` on `device`, which are loaded when they are asked for first.
    ///
    /// # Errors
    ///
    /// Those of [`OpenModel::load`].
    pub fn load(&self, kind: Kind, device: Device) -> Result<Esm> {
        if let Some(esm) = self.loaded(kind, device) {
            return Ok(esm);
        }
        // Without the lock, so that devices load at the same time.
        let esm = self.open.load(kind, device)?;
        let handle = esm.share();
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).push((kind, device, esm));
        Ok(handle)
    }

    /// That of [`OpenModel::fingerprint`], for which the weights are read once.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn fingerprint(&self) -> Result<&str> {
        if let Some(known) = self.fingerprint.get() {
            return Ok(known);
        }
        let found = self.open.fingerprint()?;
        Ok(self.fingerprint.get_or_init(|| found))
    }

    fn loaded(&self, kind: Kind, device: Device) -> Option<Esm> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.iter().find(|(k, d, _)| (*k, *d) == (kind, device)).map(|(.., esm)| esm.share())
    }
}
