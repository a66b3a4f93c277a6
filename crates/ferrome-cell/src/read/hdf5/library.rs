//! Reading through the library: for filters, layouts and strings that are not read past it.

use std::ops::Range;

use hdf5_metno::types::{FixedAscii, FixedUnicode, VarLenAscii, VarLenUnicode};
use hdf5_metno::{Dataset, Hyperslab, Result};

use super::number::{Number, with_number};

/// The part of a dataset of one or two dimensions.
fn part(ranges: &[Range<u64>]) -> Hyperslab {
    let slices: Vec<_> = ranges.iter().map(|range| (range.start as usize..range.end as usize).into()).collect();
    Hyperslab::from(slices)
}

/// A part of a dataset of numbers, in row order, little-endian.
pub(super) fn numbers(dataset: &Dataset, number: Number, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
    with_number!(number, T => {
        let values = dataset.read_slice::<T, _, ndarray::IxDyn>(part(ranges))?;
        Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    })
}

/// A part of a dataset of truth values.
pub(super) fn truths(dataset: &Dataset, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
    let values = dataset.read_slice::<bool, _, ndarray::IxDyn>(part(ranges))?;
    Ok(values.iter().map(|value| u8::from(*value)).collect())
}

/// Strings of fixed length, handed to `take` one by one.
pub(super) fn fixed(dataset: &Dataset, ascii: bool, range: Range<u64>, mut take: impl FnMut(&[u8])) -> Result<()> {
    if ascii {
        let values = dataset.read_slice::<FixedAscii<1024>, _, ndarray::IxDyn>(part(&[range]))?;
        values.iter().for_each(|text| take(text.as_bytes()));
    } else {
        let values = dataset.read_slice::<FixedUnicode<1024>, _, ndarray::IxDyn>(part(&[range]))?;
        values.iter().for_each(|text| take(text.as_bytes()));
    }
    Ok(())
}

/// Strings of variable length, handed to `take` one by one.
pub(super) fn variable(dataset: &Dataset, ascii: bool, range: Range<u64>, mut take: impl FnMut(&[u8])) -> Result<()> {
    if ascii {
        let values = dataset.read_slice::<VarLenAscii, _, ndarray::IxDyn>(part(&[range]))?;
        values.iter().for_each(|text| take(text.as_bytes()));
    } else {
        let values = dataset.read_slice::<VarLenUnicode, _, ndarray::IxDyn>(part(&[range]))?;
        values.iter().for_each(|text| take(text.as_bytes()));
    }
    Ok(())
}
