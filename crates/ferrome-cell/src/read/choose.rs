//! Which of the matrices of a file is taken.

use std::path::Path;

use super::hdf5::{Number, Numbers};
use super::{ReadOptions, values};
use crate::cells::ValueKind;
use crate::{Error, Result};

/// A matrix that may hold counts.
pub(super) trait Candidate {
    /// What its values are.
    fn number(&self) -> Result<Number>;

    /// The first stored values.
    fn sample(&mut self) -> Result<Numbers>;
}

/// The matrix that was chosen.
#[derive(Debug)]
pub(super) struct Chosen<C> {
    pub(super) storage: C,
    /// Its place among those offered.
    pub(super) place: usize,
    pub(super) kind: ValueKind,
}

/// Takes the first of `names` that holds counts; with `allow_floats`, the first one if none does.
pub(super) fn choose<C: Candidate>(
    path: &Path,
    names: &[String],
    options: &ReadOptions,
    open: impl Fn(&str) -> Result<C>,
) -> Result<Chosen<C>> {
    let mut reasons = Vec::new();
    let mut first = None;
    for (place, name) in names.iter().enumerate() {
        let mut storage = open(name)?;
        let fraction = if storage.number()?.is_float() { values::fraction(&storage.sample()?) } else { None };
        match fraction {
            None => return Ok(Chosen { storage, place, kind: ValueKind::Counts }),
            Some(value) => reasons.push(no_counts(name, value)),
        }
        first.get_or_insert((storage, place));
    }
    match first {
        Some((storage, place)) if options.allow_floats => Ok(Chosen { storage, place, kind: ValueKind::Floats }),
        _ => Err(refusal(path, &reasons.join("; "))),
    }
}

/// What the values of a sample that is not of HDF5 are.
pub(super) fn judge(path: &Path, name: &str, sample: &Numbers, options: &ReadOptions) -> Result<ValueKind> {
    match values::fraction(sample) {
        None => Ok(ValueKind::Counts),
        Some(_) if options.allow_floats => Ok(ValueKind::Floats),
        Some(value) => Err(refusal(path, &no_counts(name, value))),
    }
}

fn no_counts(name: &str, value: f64) -> String {
    format!("{name} holds {}, not counts", short(value))
}

fn refusal(path: &Path, reasons: &str) -> Error {
    Error::file(path, format!("{reasons} (--allow-normalized takes such values as they are)"))
}

/// A value as a person would write it.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    if value.abs() < 1e-3 || value.abs() >= 1e6 { format!("{value:e}") } else { text.trim_end_matches('0').to_owned() }
}
