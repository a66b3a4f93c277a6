//! An array in the file, read by ranges.

mod chunks;
mod kind;
mod range;

use std::sync::Arc;

use chunks::Place;
use hdf5_metno::Dataset;
use hdf5_metno::datatype::ByteOrder;
pub(crate) use kind::Kind;
pub(crate) use range::Tile;

use super::Source;
use super::heap::Heap;
use super::number::Number;
use crate::Result;

/// Bytes of an element that refers to a string of variable length: its length, where it lies, its number there.
const REFERENCE: usize = 16;

/// An array in the file.
#[derive(Debug)]
pub(crate) struct Stored {
    source: Source,
    name: String,
    dataset: Dataset,
    kind: Kind,
    shape: Vec<u64>,
    /// Bytes of an element.
    width: usize,
    big_endian: bool,
    place: Place,
    /// The chunk in which the last range ended, decompressed.
    last: Option<(usize, Arc<Vec<u8>>)>,
}

impl Stored {
    /// The array `name`.
    pub(crate) fn open(source: &Source, name: &str) -> Result<Self> {
        Self::of(source, source.dataset(name)?, name)
    }

    /// An array that is known as `name` in messages.
    pub(crate) fn of(source: &Source, dataset: Dataset, name: &str) -> Result<Self> {
        let failed = |error: hdf5_metno::Error| source.failed(name, &error);
        let shape = dataset.get_shape().map_err(failed)?.into_iter().map(|extent| extent as u64).collect::<Vec<_>>();
        let datatype = dataset.dtype().map_err(failed)?;
        let kind = Kind::of(&datatype);
        let width = if matches!(kind, Kind::Variable(_)) { REFERENCE } else { datatype.size() };
        let place = if matches!(kind, Kind::Other) || !source.is_plain() {
            Place::Library
        } else {
            Place::of(&dataset, &shape, width)
        };
        let big_endian = datatype.byte_order() == ByteOrder::BigEndian;
        Ok(Self {
            source: source.clone(),
            name: name.to_owned(),
            dataset,
            kind,
            shape,
            width,
            big_endian,
            place,
            last: None,
        })
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Where strings of variable length are found.
    pub(super) fn heap(&self) -> Heap {
        self.source.heap()
    }

    /// Whether elements are read past the library.
    pub(super) fn is_direct(&self) -> bool {
        !matches!(self.place, Place::Library)
    }

    /// Its extents.
    pub(crate) fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The length of an array of one dimension; otherwise that of its first axis.
    pub(crate) fn len(&self) -> u64 {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Bytes of an element.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether numbers within the elements have their highest byte first (the elements themselves are turned).
    pub(crate) fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// The extents of a chunk, if there are chunks.
    pub(crate) fn chunk(&self) -> Option<&[u64]> {
        match &self.place {
            Place::Chunks(grid) => Some(&grid.chunk),
            _ => None,
        }
    }

    /// An error about this array.
    pub(crate) fn wrong(&self, what: impl std::fmt::Display) -> crate::Error {
        self.source.wrong(&self.name, what)
    }

    /// An error of the library about this array.
    pub(super) fn failed(&self, error: &hdf5_metno::Error) -> crate::Error {
        self.source.failed(&self.name, error)
    }

    /// What its numbers are; an error if it does not hold numbers.
    pub(crate) fn number(&self) -> Result<Number> {
        match &self.kind {
            Kind::Number(number) => Ok(*number),
            Kind::Truth => Ok(Number::U8),
            _ => Err(self.wrong("expected numbers")),
        }
    }
}
