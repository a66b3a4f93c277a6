//! Ranges of an array: from the file where elements lie there as they are, from chunks, or through the library.

use std::ops::Range;

use super::chunks::Place;
use super::{Kind, Stored};
use crate::Result;
use crate::read::hdf5::{filter::pread, library};

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
