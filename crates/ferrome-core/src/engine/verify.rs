//! Whether a finished part was made from the rows that are there now.

use crate::fingerprint::hex;
use crate::journal::{PartRecord, Workplace};
use crate::{Error, Result};

/// What a part would be made from now.
pub(super) struct Made {
    pub(super) number: usize,
    pub(super) rows: usize,
    /// Nothing follows it in the input.
    pub(super) last: bool,
    pub(super) digest: u128,
}

impl Made {
    /// Refuses the finished part when its `record` says that it was made from other rows; with `strict`, also when a
    /// row of it was rejected.
    pub(super) fn verify(&self, place: &Workplace, record: &PartRecord, strict: bool) -> Result<()> {
        let changed = |reason| Err(Error::InputChanged { path: place.part(self.number), reason });
        if record.statistics.rows != self.rows as u64 {
            return changed(format!("it holds {} rows, now there are {}", record.statistics.rows, self.rows));
        }
        if record.last != self.last {
            return changed(format!("the input {} there then", if self.last { "did not end" } else { "ended" }));
        }
        if record.digest != hex(self.digest) {
            return changed(format!("its {} rows have other names or content", self.rows));
        }
        match record.statistics.rejected.first() {
            Some(rejected) if strict => {
                Err(Error::Rejected { name: rejected.first.clone(), reason: rejected.kind.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// Refuses finished parts beyond the `count` that the input makes.
pub(super) fn refuse_surplus(place: &Workplace, count: usize) -> Result<()> {
    match place.finished_parts()?.last() {
        Some(&part) if part >= count => {
            Err(Error::InputChanged { path: place.part(part), reason: "its rows are gone from the end".to_owned() })
        }
        _ => Ok(()),
    }
}
