//! An array in the file, read by ranges.

mod chunks;
mod kind;

use std::ops::Range;
use std::sync::Arc;

use chunks::Place;
use hdf5_metno::Dataset;
use hdf5_metno::datatype::ByteOrder;
pub(crate) use kind::Kind;

use super::filter::pread;
use super::heap::Heap;
use super::number::Number;
use super::{Source, library};
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

/// A rectangle of an array of two dimensions, within a larger one that was read.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) bytes: Vec<u8>,
    /// The first element of the rectangle.
    pub(crate) start: usize,
    /// From one row to the next, in elements.
    pub(crate) stride: usize,
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

    /// Reads elements of an array of one dimension into `output`, whose content is replaced.
    pub(crate) fn read(&mut self, range: Range<u64>, output: &mut Vec<u8>) -> Result<()> {
        if self.shape.len() != 1 || range.end > self.len() || range.start > range.end {
            return Err(self.wrong(format!("has shape {:?}, but elements {range:?} are needed", self.shape)));
        }
        let length = self.bytes(range.end - range.start)?;
        match &self.place {
            Place::Contiguous(address) => {
                output.resize(length, 0);
                let address = address + range.start * self.width as u64;
                pread(&self.source.bytes, address, output).map_err(|what| self.wrong(what))?;
            }
            Place::Chunks(_) => {
                output.resize(length, 0);
                self.read_chunks(range, output)?;
            }
            Place::Library => *output = self.through_library(&[range])?,
        }
        self.turn(output);
        Ok(())
    }

    /// Reads as much as lies together of the rectangle `rows` x `columns`; within one chunk where there are chunks.
    pub(crate) fn tile(&self, rows: Range<u64>, columns: Range<u64>) -> Result<Tile> {
        let wide = (columns.end - columns.start) as usize;
        let all = self.shape.get(1).copied().unwrap_or(1);
        let mut tile = match &self.place {
            Place::Chunks(grid) => self.chunk_tile(grid, &rows, &columns)?,
            Place::Contiguous(address) => {
                let mut bytes = vec![0; self.bytes((rows.end - rows.start) * wide as u64)?];
                let read = |row: u64, output: &mut [u8]| {
                    let address = address + (row * all + columns.start) * self.width as u64;
                    pread(&self.source.bytes, address, output).map_err(|what| self.wrong(what))
                };
                if wide as u64 == all {
                    read(rows.start, &mut bytes)?;
                } else {
                    let mut lines = rows.clone().zip(bytes.chunks_exact_mut((wide * self.width).max(1)));
                    lines.try_for_each(|(row, line)| read(row, line))?;
                }
                Tile { bytes, start: 0, stride: wide }
            }
            Place::Library => Tile { bytes: self.through_library(&[rows, columns])?, start: 0, stride: wide },
        };
        self.turn(&mut tile.bytes);
        Ok(tile)
    }

    /// The bytes of so many elements; an error if the file cannot hold that much, so that a damaged shape asks for no
    /// memory. (No compression is better than 1032 : 1.)
    pub(super) fn bytes(&self, elements: u64) -> Result<usize> {
        let most = self.dataset.storage_size().saturating_mul(2048).max(1 << 24);
        let bytes = elements.checked_mul(self.width as u64).filter(|bytes| *bytes <= most);
        bytes
            .map(|bytes| bytes as usize)
            .ok_or_else(|| self.wrong(format!("is too small for its shape {:?}", self.shape)))
    }

    fn through_library(&self, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        self.bytes(ranges.iter().map(|range| range.end - range.start).product())?;
        let bytes = match &self.kind {
            Kind::Number(number) => library::numbers(&self.dataset, *number, ranges),
            Kind::Truth => library::truths(&self.dataset, ranges),
            _ => return Err(self.wrong("this type of elements with these filters is not supported")),
        };
        bytes.map_err(|error| self.failed(&error))
    }

    /// Numbers with the highest byte first are turned; the library has done it already.
    fn turn(&self, bytes: &mut [u8]) {
        if self.big_endian && self.is_direct() && matches!(self.kind, Kind::Number(_)) {
            bytes.chunks_exact_mut(self.width.max(1)).for_each(<[u8]>::reverse);
        }
    }
}
