use std::sync::{Mutex, PoisonError};

use tch::{Device, Kind};

use super::{Esm, OpenModel};
use crate::Result;

/// A model that stays where it was loaded, so that many jobs, also at once, read its weights once.
#[derive(Debug)]
pub struct Resident {
    /// The checkpoint.
    pub open: OpenModel,
    loaded: Mutex<Vec<(Kind, Device, Esm)>>,
}

impl Resident {
    /// The checkpoint, of which nothing is loaded yet.
    #[must_use]
    pub fn new(open: OpenModel) -> Self {
        Self { open, loaded: Mutex::default() }
    }

    /// Another handle on the weights in `kind` on `device`, which are loaded when they are asked for first.
    ///
    /// # Errors
    ///
    /// Those of [`OpenModel::load`].
    pub fn load(&self, kind: Kind, device: Device) -> Result<Esm> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., esm)) = loaded.iter().find(|(k, d, _)| (*k, *d) == (kind, device)) {
            return Ok(esm.share());
        }
        let esm = self.open.load(kind, device)?;
        let handle = esm.share();
        loaded.push((kind, device, esm));
        Ok(handle)
    }
}
