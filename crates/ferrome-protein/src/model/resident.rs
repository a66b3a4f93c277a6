use std::sync::OnceLock;

use ferrome_core::shelf::Shelf;
use tch::{Device, Kind};

use super::{Esm, OpenModel};
use crate::Result;

/// A model that stays where it was loaded, so that many jobs, also at once, read its weights once.
#[derive(Debug)]
pub struct Resident {
    /// The checkpoint.
    pub open: OpenModel,
    loaded: Shelf<Esm>,
    fingerprint: OnceLock<String>,
}

impl Resident {
    /// The checkpoint, of which nothing is loaded yet.
    #[must_use]
    pub fn new(open: OpenModel) -> Self {
        Self { open, loaded: Shelf::default(), fingerprint: OnceLock::new() }
    }

    /// Another handle on the weights in `kind` on `device`, which are loaded when they are asked for first.
    ///
    /// # Errors
    ///
    /// Those of [`OpenModel::load`].
    pub fn load(&self, kind: Kind, device: Device) -> Result<Esm> {
        self.loaded.handle((kind, device), || self.open.load(kind, device), Esm::share)
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
}
