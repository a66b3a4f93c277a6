//! What a finished shard says of itself.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::journal::{RunDescription, Statistics, write_whole};
use crate::table::failed;
use crate::{Error, Result};

/// The keys of a shard's description that are its own.
pub(super) const SHARD: &str = "shard";
pub(super) const QUARANTINE: &str = "quarantine";

/// `part-00003-of-00016.json`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Manifest {
    pub(super) shard: u32,
    pub(super) of: u32,
    /// Its first row of the input, counted from 1.
    pub(super) first_row: u64,
    /// Its rows of the input.
    pub(super) rows: u64,
    pub(super) rows_of_input: u64,
    /// The size of its part.
    pub(super) bytes: u64,
    /// The hash of its part.
    pub(super) xxh3: String,
    pub(super) description: RunDescription,
    pub(super) statistics: Statistics,
}

impl Manifest {
    /// Reads a manifest, where it is there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.try_exists()? {
            return Ok(None);
        }
        let unreadable = |error| Error::PlanUnreadable {
            path: path.to_owned(),
            reason: format!("is no manifest of ferrome ({error})"),
        };
        serde_json::from_slice(&fs_err::read(path)?).map(Some).map_err(unreadable)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| failed(path, error))?;
        write_whole(path, json)
    }

    /// What its run has in common with those of the other shards.
    pub(super) fn common(&self) -> RunDescription {
        self.description.without(&[SHARD, QUARANTINE])
    }
}
