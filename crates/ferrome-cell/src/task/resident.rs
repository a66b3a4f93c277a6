use std::sync::OnceLock;

use ferrome_core::shelf::Shelf;
use tch::{Device, Kind};

use super::annotate;
use crate::Result;
use crate::model::{Classes, Classifier, Encoder, OpenModel};

/// A model that stays where it was loaded, so that many jobs, also at once, read its weights once.
#[derive(Debug)]
pub struct Resident {
    /// The checkpoint.
    pub open: OpenModel,
    embedding: Shelf<Encoder>,
    classifying: Shelf<Classifier>,
    fingerprint: OnceLock<String>,
}

impl Resident {
    /// The checkpoint, of which nothing is loaded yet.
    #[must_use]
    pub fn new(open: OpenModel) -> Self {
        Self { open, embedding: Shelf::default(), classifying: Shelf::default(), fingerprint: OnceLock::new() }
    }

    /// Loads what the model is for in `kind` on `device`, where it is not yet: the encoder, and the head of a model that tells
    /// the classes of cells.
    ///
    /// # Errors
    ///
    /// The weights do not fit the model, or the device has no room for them.
    pub fn load(&self, kind: Kind, device: Device) -> Result<()> {
        match annotate::classes(&self.open) {
            Ok(classes) => self.classifier(&classes, kind, device).map(drop),
            Err(_) => self.embedder(kind, device).map(drop),
        }
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

    pub(super) fn embedder(&self, kind: Kind, device: Device) -> Result<Encoder> {
        self.embedding.handle((kind, device), || Encoder::load(&self.open, kind, device), Encoder::share)
    }

    pub(super) fn classifier(&self, classes: &Classes, kind: Kind, device: Device) -> Result<Classifier> {
        let load = || Classifier::load(&self.open, classes, kind, device);
        self.classifying.handle((kind, device), load, Classifier::share)
    }
}
