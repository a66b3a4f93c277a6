//! What lies beside an scGPT that has learnt to integrate: how it calls the batches of cells.

use std::path::Path;

use ferrome_core::journal::write_whole;
use serde::{Deserialize, Serialize};

use super::OpenModel;
use crate::{Error, Result};

const FILE: &str = "integration.json";

/// Beside the weights of a model that `ferrome cell integrate` has trained.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Integration {
    /// The column of obs that named the batches.
    pub batch: String,
    /// The batches, in the order of their numbers in the model.
    pub batches: Vec<String>,
}

impl Integration {
    /// What lies in `folder`, if anything does.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is something else.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        serde_json::from_slice(&fs_err::read(&path)?).map(Some).map_err(|e| Error::file(&path, e.to_string()))
    }

    /// Writes it into `folder`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        Ok(write_whole(&folder.join(FILE), json + "\n")?)
    }
}

impl OpenModel {
    /// How it integrates, where `ferrome cell integrate` has trained it.
    ///
    /// # Errors
    ///
    /// The file beside the weights is something else.
    pub fn integration(&self) -> Result<Option<Integration>> {
        Integration::open(&self.folder)
    }

    /// The names of the batches that the model normalises apart (`dsbn`), in the order of their numbers; `None` where it does not.
    /// Without names beside the weights they are called `0`, `1`, … as upstream numbers them.
    ///
    /// # Errors
    ///
    /// The file beside the weights is something else, or names another number of batches than the weights have.
    pub fn batches(&self) -> Result<Option<Vec<String>>> {
        if self.checkpoint.info("dsbn.bns.0.running_mean").is_none() {
            return Ok(None);
        }
        let count = usize::try_from(self.config.num_batch_labels).unwrap_or(0);
        let Some(integration) = self.integration()? else {
            return Ok(Some((0..count).map(|number| number.to_string()).collect()));
        };
        match integration.batches.len() == count {
            true => Ok(Some(integration.batches)),
            false => {
                let found = integration.batches.len();
                Err(Error::file(self.folder.join(FILE), format!("names {found} batches, and the weights have {count}")))
            }
        }
    }
}
