use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;

use super::spill::Spill;
use super::transpose::Transposed;
use super::{Bands, Offsets};
use crate::Result;
use crate::read::hdf5::{Little, Numbers, Stored, with_number};
use crate::read::values::RawRows;

/// Entries that are read at a time.
const PIECE: u64 = 1 << 21;

/// A matrix stored gene by gene; see [`transpose`](super::transpose) for how its cells are found.
#[derive(Debug)]
pub(in crate::read) struct Csc {
    /// What is to be transposed, before the first cell is asked for.
    stored: Option<ByGene>,
    cells: Option<Transposed>,
}

/// The arrays of a matrix stored gene by gene.
#[derive(Debug)]
pub(in crate::read) struct ByGene {
    pub(in crate::read) cells: u64,
    pub(in crate::read) offsets: Offsets,
    pub(in crate::read) indices: Stored,
    pub(in crate::read) values: Stored,
    pub(in crate::read) scratch: Option<PathBuf>,
}

impl Csc {
    /// The cells of this matrix.
    pub(in crate::read) fn new(stored: ByGene) -> Self {
        Self { stored: Some(stored), cells: None }
    }
}

impl Bands for Csc {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        if let Some(stored) = self.stored.take() {
            self.cells = Some(stored.transpose()?);
        }
        self.cells.as_mut().map_or(Ok(None), Bands::next_band)
    }
}

impl ByGene {
    /// Puts all entries aside by cell, while the next ones are read.
    fn transpose(self) -> Result<Transposed> {
        let number = self.values.number()?;
        let cells = self.cells;
        let mut spill = Spill::new(cells, self.values.len(), number, self.scratch.as_deref())?;
        let mut pieces = Pieces { stored: self, gene: 0, plans: VecDeque::new() };
        let mut ready = pieces.next()?;
        while let Some(piece) = ready {
            let (put, next) = rayon::join(|| piece.put(&mut spill, cells), || pieces.next());
            if !put? {
                let what = format!("an entry has a cell index beyond the {cells} cells");
                return Err(pieces.stored.indices.wrong(what));
            }
            ready = next?;
        }
        spill.finish()?;
        Ok(Transposed::new(spill))
    }
}

/// The entries of a matrix, some at a time.
struct Pieces {
    stored: ByGene,
    /// The first gene that is not planned yet.
    gene: u32,
    plans: VecDeque<(Range<u64>, Vec<Run>)>,
}

/// A gene, and how many entries it has.
type Run = (u32, usize);

impl Pieces {
    fn next(&mut self) -> Result<Option<Piece>> {
        if self.plans.is_empty() {
            self.plan()?;
        }
        let Some((range, runs)) = self.plans.pop_front() else { return Ok(None) };
        let ByGene { indices, values, .. } = &mut self.stored;
        let mut cells = Numbers::none(indices.number()?);
        let mut stored = Numbers::none(values.number()?);
        let read = rayon::join(
            || indices.read(range.clone(), &mut cells.bytes),
            || values.read(range.clone(), &mut stored.bytes),
        );
        read.0.and(read.1)?;
        Ok(Some(Piece { runs, cells, values: stored.bytes }))
    }

    /// Plans the next genes: several in one piece, or one gene in several.
    fn plan(&mut self) -> Result<()> {
        let Some(offsets) = self.stored.offsets.take(PIECE as usize)? else { return Ok(()) };
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else { return Ok(()) };
        let genes = (self.gene..).zip(offsets.windows(2));
        let runs: Vec<Run> = genes.map(|(gene, pair)| (gene, (pair[1] - pair[0]) as usize)).collect();
        self.gene += runs.len() as u32;
        match runs[..] {
            [(gene, _)] => {
                for begin in (first..last).step_by(PIECE as usize) {
                    let range = begin..last.min(begin + PIECE);
                    let count = (range.end - range.start) as usize;
                    self.plans.push_back((range, vec![(gene, count)]));
                }
                if first == last {
                    return self.plan();
                }
            }
            _ => self.plans.push_back((first..last, runs)),
        }
        Ok(())
    }
}

/// Entries one after another.
struct Piece {
    runs: Vec<Run>,
    cells: Numbers,
    values: Vec<u8>,
}

impl Piece {
    /// Puts the entries aside; `false` if one is of a cell that is not there.
    fn put(&self, spill: &mut Spill, cells: u64) -> Result<bool> {
        let (mut places, mut known) = (Vec::with_capacity(self.cells.len()), true);
        with_number!(self.cells.number, T => {
            for bytes in self.cells.bytes.chunks_exact(T::WIDTH) {
                let (place, good) = T::read(bytes).index();
                known &= good && u64::from(place) < cells;
                places.push(place);
            }
        });
        if !known {
            return Ok(false);
        }
        let width = spill.number.width();
        let mut at = 0;
        for &(gene, count) in &self.runs {
            spill.push(gene, &places[at..at + count], &self.values[at * width..(at + count) * width])?;
            at += count;
        }
        Ok(true)
    }
}
