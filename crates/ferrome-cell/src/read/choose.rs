//! Which of the matrices of a file is taken.

use super::hdf5::Source;
use super::storage::Storage;
use super::{ReadOptions, values};
use crate::cells::ValueKind;
use crate::{Error, Result};

/// The matrix that was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) storage: Storage,
    /// Its place among those offered.
    pub(super) place: usize,
    pub(super) kind: ValueKind,
}

/// Takes the first of `names` that holds counts; with `allow_floats`, the first one if none does.
pub(super) fn choose(source: &Source, names: &[String], options: &ReadOptions) -> Result<Chosen> {
    let mut reasons = Vec::new();
    let mut first = None;
    for (place, name) in names.iter().enumerate() {
        let mut storage = Storage::open(source, name)?;
        let fraction = if storage.number()?.is_float() { values::fraction(&storage.sample()?) } else { None };
        match fraction {
            None => return Ok(Chosen { storage, place, kind: ValueKind::Counts }),
            Some(value) => reasons.push(format!("{name} holds {}, not counts", short(value))),
        }
        first.get_or_insert((storage, place));
    }
    match first {
        Some((storage, place)) if options.allow_floats => Ok(Chosen { storage, place, kind: ValueKind::Floats }),
        _ => {
            let reasons = reasons.join("; ");
            Err(Error::file(source.path(), format!("{reasons} (--allow-normalized takes such values as they are)")))
        }
    }
}

/// A value as a person would write it.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    if value.abs() < 1e-3 || value.abs() >= 1e6 { format!("{value:e}") } else { text.trim_end_matches('0').to_owned() }
}
