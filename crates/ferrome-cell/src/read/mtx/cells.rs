use std::collections::VecDeque;

use super::market::{Batch, Market};
use crate::Result;
use crate::read::hdf5::{Number, Numbers};
use crate::read::rows::{Bands, Spill, Transposed};
use crate::read::values::RawRows;

/// Entries by which it is judged whether a file is in the order of its cells.
const SAMPLE: usize = 1_000_000;

/// The cells of a matrix whose entries come cell by cell.
pub(super) struct InOrder {
    entries: Entries,
    cells: u64,
    /// The rows in work: all but the last one are whole.
    rows: RawRows,
    /// The cell whose entries come.
    at: u64,
    ended: bool,
}

/// All entries, the first of which were looked at already.
pub(super) struct Entries {
    market: Market,
    seen: VecDeque<Batch>,
}

impl Entries {
    /// The entries of a matrix; the first of them are read.
    pub(super) fn new(mut market: Market) -> Result<Self> {
        let mut seen = VecDeque::new();
        let mut count = 0;
        while count < SAMPLE {
            let Some(batch) = market.next()? else { break };
            count += batch.genes.len();
            seen.push_back(batch);
        }
        Ok(Self { market, seen })
    }

    /// The values that were looked at.
    pub(super) fn sample(&self) -> Numbers {
        let bytes = self.seen.iter().flat_map(|batch| batch.values.bytes.iter().copied()).collect();
        Numbers { number: self.market.field.number(), bytes }
    }

    /// Whether the entries that were looked at come cell by cell.
    pub(super) fn are_in_order(&self) -> bool {
        self.seen.iter().flat_map(|batch| &batch.cells).is_sorted()
    }

    fn next(&mut self) -> Result<Option<Batch>> {
        match self.seen.pop_front() {
            Some(batch) => Ok(Some(batch)),
            None => self.market.next(),
        }
    }

    /// All cells, after all entries are put aside.
    pub(super) fn transpose(mut self, cells: u64, scratch: Option<&std::path::Path>) -> Result<Transposed> {
        let mut spill = Spill::new(cells, self.market.entries, self.market.field.number(), scratch)?;
        while let Some(batch) = self.next()? {
            let mut at = 0;
            for same in batch.genes.chunk_by(|one, other| one == other) {
                let end = at + same.len();
                let gene = same.first().copied().unwrap_or_default();
                spill.push(gene, &batch.cells[at..end], &batch.values.bytes[8 * at..8 * end])?;
                at = end;
            }
        }
        spill.finish()?;
        Ok(Transposed::new(spill))
    }
}

impl InOrder {
    /// The cells of these entries.
    pub(super) fn new(entries: Entries, cells: u64) -> Self {
        let number = entries.market.field.number();
        Self { entries, cells, rows: none(number), at: 0, ended: false }
    }

    fn add(&mut self, batch: &Batch) -> Result<()> {
        let begin = self.rows.values.len();
        for (place, &cell) in (begin..).zip(&batch.cells) {
            let cell = u64::from(cell);
            if cell < self.at {
                let (at, cell) = (self.at + 1, cell + 1);
                let what = format!(
                    "cell {cell} comes after cell {at}, though the first {SAMPLE} entries are in the order of cells"
                );
                return Err(self.entries.market.wrong(what));
            }
            self.rows.starts.extend((self.at..cell).map(|_| place));
            self.at = cell;
        }
        self.rows.genes.bytes.extend(batch.genes.iter().flat_map(|gene| gene.to_le_bytes()));
        self.rows.values.bytes.extend_from_slice(&batch.values.bytes);
        Ok(())
    }
}

fn none(number: Number) -> RawRows {
    RawRows { starts: vec![0], genes: Numbers::none(Number::U32), values: Numbers::none(number) }
}

impl Bands for InOrder {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        while self.rows.starts.len() == 1 && !self.ended {
            match self.entries.next()? {
                Some(batch) => self.add(&batch)?,
                None => {
                    let end = self.rows.values.len();
                    self.rows.starts.extend((self.at..self.cells).map(|_| end));
                    self.ended = true;
                }
            }
        }
        if self.rows.starts.len() == 1 {
            return Ok(None);
        }
        // What follows the last whole row stays.
        let rest = self.rows.values.len() - self.rows.starts.last().copied().unwrap_or(0);
        let number = self.rows.values.number;
        let mut band = std::mem::replace(&mut self.rows, none(number));
        let split = band.values.len() - rest;
        self.rows.genes.bytes = band.genes.bytes.split_off(4 * split);
        self.rows.values.bytes = band.values.bytes.split_off(number.width() * split);
        Ok(Some(band))
    }
}
