use std::ops::Range;

use rayon::prelude::*;

use super::Bands;
use crate::Result;
use crate::read::hdf5::{Number, Numbers, Stored, Tile};
use crate::read::values::RawRows;

/// Elements of a band: enough for all threads, and not too many to hold even if none is zero.
const BAND: Range<u64> = 1 << 22..1 << 26;

/// Elements of a tile where there are no chunks.
const TILE: u64 = 1 << 20;

/// A matrix that stores every element, by cell or (as in loom) by gene.
///
/// It is read in bands of cells; a chunk is read once, unless it holds more than 2^26 elements of a band of cells.
#[derive(Debug)]
pub(in crate::read) struct Dense {
    stored: Stored,
    number: Number,
    /// The axis of cells, 0 or 1.
    axis: usize,
    cells: u64,
    genes: u64,
    /// The extents of a tile in cells and in genes.
    tile: (u64, u64),
    next: u64,
}

impl Dense {
    /// The matrix in an array of two dimensions, whose axis `axis` is that of cells.
    pub(in crate::read) fn new(stored: Stored, axis: usize) -> Result<Self> {
        let number = stored.number()?;
        let [rows, columns] = *stored.shape() else {
            return Err(stored.wrong(format!("has shape {:?}, expected two dimensions", stored.shape())));
        };
        let (cells, genes) = if axis == 0 { (rows, columns) } else { (columns, rows) };
        if genes >= u64::from(u32::MAX) || cells >= 1 << 40 {
            return Err(stored.wrong(format!("has shape {:?}, which is beyond what is read", stored.shape())));
        }
        let tile = match (stored.chunk(), axis) {
            (Some([cells, genes]), 0) | (Some([genes, cells]), 1) => (*cells, *genes),
            (_, 0) => ((TILE / genes.max(1)).max(1), genes.max(1)),
            _ => ((BAND.start / genes.max(1)).max(1), (genes / 64).max(1)),
        };
        Ok(Self { stored, number, axis, cells, genes, tile, next: 0 })
    }

    pub(in crate::read) fn cells(&self) -> u64 {
        self.cells
    }

    pub(in crate::read) fn number(&self) -> Number {
        self.number
    }

    pub(in crate::read) fn genes(&self) -> u64 {
        self.genes
    }

    /// The values that are not zero of so many of the first cells as have about `elements` elements.
    pub(in crate::read) fn sample(&self, elements: u64) -> Result<Numbers> {
        let cells = (elements / self.genes.max(1)).max(1).min(self.cells);
        self.band(0..cells).map(|band| band.values)
    }

    /// Cells of a band.
    fn step(&self) -> u64 {
        let genes = self.genes.max(1);
        let (least, most) = (BAND.start / genes, (BAND.end / genes).max(1));
        least.next_multiple_of(self.tile.0).max(self.tile.0).min(most)
    }

    /// These cells, made sparse.
    fn band(&self, cells: Range<u64>) -> Result<RawRows> {
        let strips: Vec<_> = pieces(cells, self.tile.0).collect();
        let strips: Result<Vec<_>> = strips.into_par_iter().map(|strip| self.strip(strip)).collect();
        let mut strips = strips?.into_iter();
        let mut band = strips.next().unwrap_or_else(|| self.empty());
        strips.for_each(|strip| band.append(&strip));
        Ok(band)
    }

    fn empty(&self) -> RawRows {
        RawRows { starts: vec![0], genes: Numbers::none(Number::U32), values: Numbers::none(self.number) }
    }

    /// Cells that lie in one row of tiles.
    fn strip(&self, cells: Range<u64>) -> Result<RawRows> {
        let groups: Vec<_> = pieces(0..self.genes, self.tile.1).collect();
        let found: Result<Vec<_>> = groups.into_par_iter().map(|genes| self.found(cells.clone(), genes)).collect();
        let mut found = found?;
        let mut strip = self.empty();
        let width = self.number.width();
        for cell in 0..(cells.end - cells.start) as usize {
            for tile in &mut found {
                let end = tile.ends[cell];
                strip.genes.bytes.extend_from_slice(&tile.genes[4 * tile.taken..4 * end]);
                strip.values.bytes.extend_from_slice(&tile.values[width * tile.taken..width * end]);
                tile.taken = end;
            }
            strip.starts.push(strip.genes.bytes.len() / 4);
        }
        Ok(strip)
    }

    /// What is not zero in a tile.
    fn found(&self, cells: Range<u64>, genes: Range<u64>) -> Result<Found> {
        let (cell_count, gene_count) = ((cells.end - cells.start) as usize, (genes.end - genes.start) as usize);
        let first = genes.start as u32;
        let by_cell = self.axis == 0;
        let tile = if by_cell { self.stored.tile(cells, genes)? } else { self.stored.tile(genes, cells)? };
        let steps = if by_cell { (tile.stride, 1) } else { (1, tile.stride) };
        let walk = Walk { tile: &tile, cells: cell_count, genes: gene_count, steps, first };
        Ok(match self.number.width() {
            1 => walk.find::<1>(),
            2 => walk.find::<2>(),
            4 => walk.find::<4>(),
            _ => walk.find::<8>(),
        })
    }
}

impl Bands for Dense {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        if self.next >= self.cells {
            return Ok(None);
        }
        let end = (self.next + self.step()).min(self.cells);
        let band = self.band(self.next..end)?;
        self.next = end;
        Ok(Some(band))
    }

    fn pass_over(&mut self, rows: u64) -> Result<u64> {
        self.next = rows.min(self.cells);
        Ok(self.next)
    }
}

/// Cuts a range at all multiples of `step`.
fn pieces(range: Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let end = range.end.min((at / step + 1) * step);
        let piece = at..end;
        at = end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The entries of a tile that are not zero, cell by cell.
struct Found {
    /// Where each cell ends.
    ends: Vec<usize>,
    /// Four bytes each.
    genes: Vec<u8>,
    values: Vec<u8>,
    /// Entries that were taken out.
    taken: usize,
}

/// A way through a tile.
struct Walk<'a> {
    tile: &'a Tile,
    cells: usize,
    genes: usize,
    /// From one cell and from one gene to the next, in elements.
    steps: (usize, usize),
    first: u32,
}

impl Walk<'_> {
    fn find<const W: usize>(&self) -> Found {
        let (elements, _) = self.tile.bytes.as_chunks::<W>();
        let mut found = Found { ends: Vec::with_capacity(self.cells), genes: Vec::new(), values: Vec::new(), taken: 0 };
        for cell in 0..self.cells {
            let row = elements.get(self.tile.start + cell * self.steps.0..).unwrap_or_default();
            for (gene, value) in (self.first..).zip(row.iter().step_by(self.steps.1).take(self.genes)) {
                if *value != [0; W] {
                    found.genes.extend_from_slice(&gene.to_le_bytes());
                    found.values.extend_from_slice(value);
                }
            }
            found.ends.push(found.values.len() / W);
        }
        found
    }
}
