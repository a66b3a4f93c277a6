//! Rows in which something is amiss: entries unsorted, twice, zero, not whole, or not a count at all.

use std::ops::Range;

use arrow::array::{Array, StringArray};

use super::{RawRows, Value};
use crate::read::hdf5::{Little, Numbers, with_number};

/// How far from a whole number a count may be stored.
const NEAR: f64 = 1e-3;

/// Rows after repair.
pub(super) struct Repaired<V> {
    /// Where each row ends.
    pub(super) ends: Vec<usize>,
    pub(super) genes: Vec<u32>,
    pub(super) values: Vec<V>,
    /// By row of the block.
    pub(super) rejected: Vec<(usize, String)>,
    pub(super) rounded: u64,
}

impl Value for i32 {
    #[inline]
    fn fast<T: Little>(stored: T) -> (Self, bool) {
        stored.count()
    }

    fn settle(stored: f64) -> Result<(f64, bool), String> {
        let whole = stored.round();
        if stored.is_nan() {
            Err("NaN".to_owned())
        } else if whole < 0.0 {
            Err(format!("negative count {stored}"))
        } else if is_fraction(stored) {
            Err(format!("count {stored}, which is not a whole number,"))
        } else {
            Ok((whole, whole != stored))
        }
    }

    fn sum(sum: f64) -> Result<Self, String> {
        if sum <= f64::from(Self::MAX) {
            Ok(sum as Self)
        } else {
            Err(format!("count {sum} (more than {})", Self::MAX))
        }
    }
}

impl Value for f32 {
    #[inline]
    fn fast<T: Little>(stored: T) -> (Self, bool) {
        let value = stored.double() as Self;
        (value, value != 0.0 && value.is_finite())
    }

    fn settle(stored: f64) -> Result<(f64, bool), String> {
        if stored.is_nan() { Err("NaN".to_owned()) } else { Ok((stored, false)) }
    }

    fn sum(sum: f64) -> Result<Self, String> {
        let value = sum as Self;
        if value.is_finite() { Ok(value) } else { Err(format!("value {sum}")) }
    }
}

/// Whether a value is too far from a whole number to be a count.
fn is_fraction(value: f64) -> bool {
    (value - value.round()).abs() > NEAR
}

/// The first value of a sample that is not near a whole number: what it holds are no counts.
pub(in crate::read) fn fraction(sample: &Numbers) -> Option<f64> {
    if !sample.number.is_float() {
        return None;
    }
    with_number!(sample.number, T => {
        sample.bytes.chunks_exact(T::WIDTH).map(|bytes| T::read(bytes).double()).find(|value| is_fraction(*value))
    })
}

/// Makes these rows sound, one by one.
pub(super) fn repair<V: Value>(raw: &RawRows, rows: Range<usize>, ids: &StringArray) -> Repaired<V> {
    let mut repaired =
        Repaired { ends: Vec::new(), genes: Vec::new(), values: Vec::new(), rejected: Vec::new(), rounded: 0 };
    let mut entries = Vec::new();
    for row in rows {
        let kept = repaired.genes.len();
        if let Err((gene, what)) = row_into(raw, row, &mut entries, &mut repaired) {
            repaired.genes.truncate(kept);
            repaired.values.truncate(kept);
            let id = if (gene as usize) < ids.len() { ids.value(gene as usize) } else { "?" };
            repaired.rejected.push((row, format!("{what} for gene {id}")));
        }
        repaired.ends.push(repaired.genes.len());
    }
    repaired
}

/// Appends a row; the error is the first gene that cannot be used, and why.
fn row_into<V: Value>(
    raw: &RawRows,
    row: usize,
    entries: &mut Vec<(u32, f64)>,
    repaired: &mut Repaired<V>,
) -> Result<(), (u32, String)> {
    entries.clear();
    let mut rounded = 0;
    for place in raw.starts[row]..raw.starts[row + 1] {
        let gene = raw.genes.double(place) as u32;
        let (value, was_rounded) = V::settle(raw.values.double(place)).map_err(|what| (gene, what))?;
        rounded += u64::from(was_rounded);
        entries.push((gene, value));
    }
    if !entries.is_sorted_by_key(|entry| entry.0) {
        entries.sort_by_key(|entry| entry.0);
    }
    for same in entries.chunk_by(|one, other| one.0 == other.0) {
        let gene = same.first().map_or(0, |entry| entry.0);
        let sum: f64 = same.iter().map(|entry| entry.1).sum();
        let value = V::sum(sum).map_err(|what| (gene, what))?;
        if value != V::default() {
            repaired.genes.push(gene);
            repaired.values.push(value);
        }
    }
    repaired.rounded += rounded;
    Ok(())
}
