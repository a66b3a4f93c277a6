use std::ops::Range;
use std::path::PathBuf;

use super::spill::Spill;
use super::transpose::Transposed;
use super::{Bands, Rows};
use crate::Result;
use crate::read::hdf5::Number;
use crate::read::values::RawRows;

/// Entries that are read at a time.
const PIECE: usize = 1 << 20;

/// Several matrices of the same cells, with their genes one after another.
pub(in crate::read) struct Beside {
    /// The genes of each matrix, and its rows; until they are put aside.
    parts: Vec<(Range<u32>, Box<dyn Rows>)>,
    size: (u64, u64),
    scratch: Option<PathBuf>,
    cells: Option<Transposed>,
}

impl Beside {
    /// These matrices of counts, each with the numbers of its genes, of so many cells and entries in all.
    pub(in crate::read) fn new(
        parts: Vec<(Range<u32>, Box<dyn Rows>)>,
        cells: u64,
        entries: u64,
        scratch: Option<PathBuf>,
    ) -> Self {
        Self { parts, size: (cells, entries), scratch, cells: None }
    }

    fn join(&mut self) -> Result<Transposed> {
        let mut spill = Spill::new(self.size.0, self.size.1, Number::F64, self.scratch.as_deref())?;
        for (genes, mut rows) in self.parts.drain(..) {
            let mut cell = 0;
            while let Some(raw) = rows.next_rows(PIECE)? {
                for row in raw.starts.windows(2) {
                    for place in row[0]..row[1] {
                        // A gene beyond those of its matrix must not become one of the next matrix.
                        let gene = genes.start.saturating_add(raw.genes.double(place) as u32);
                        let gene = if genes.contains(&gene) { gene } else { u32::MAX };
                        spill.push(gene, &[cell], &raw.values.double(place).to_le_bytes())?;
                    }
                    cell += 1;
                }
            }
        }
        spill.finish()?;
        Ok(Transposed::new(spill))
    }
}

impl Bands for Beside {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        if self.cells.is_none() {
            self.cells = Some(self.join()?);
        }
        self.cells.as_mut().map_or(Ok(None), Bands::next_band)
    }
}
