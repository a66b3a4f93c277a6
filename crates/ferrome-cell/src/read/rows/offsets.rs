use crate::Result;
use crate::read::hdf5::{Number, Numbers, Stored};

use super::MOST_ROWS;

/// Offsets that are read at a time.
const WINDOW: u64 = 1 << 16;

/// Where each row (or column) of a sparse matrix begins (`indptr`), read as it is needed.
#[derive(Debug)]
pub(in crate::read) struct Offsets {
    stored: Stored,
    number: Number,
    /// Entries of the matrix, beyond which no offset may be.
    entries: u64,
    /// The next offset to read.
    next: u64,
    /// The start of the next row, and all later offsets that are read.
    window: Vec<u64>,
}

impl Offsets {
    /// The offsets of `rows` rows in a matrix with so many entries.
    pub(in crate::read) fn new(stored: Stored, rows: u64, entries: u64) -> Result<Self> {
        let number = stored.number()?;
        if stored.shape() != [rows + 1] {
            return Err(stored.wrong(format!("has shape {:?}, expected [{}]", stored.shape(), rows + 1)));
        }
        let mut offsets = Self { stored, number, entries, next: 0, window: Vec::new() };
        offsets.load()?;
        match offsets.window.first() {
            Some(0) => Ok(offsets),
            _ => Err(offsets.stored.wrong("does not begin with 0")),
        }
    }

    /// The offsets of the next rows and of their end; rows as [`Rows::next_rows`](super::Rows::next_rows) gives them.
    pub(in crate::read) fn take(&mut self, nonzeros: usize) -> Result<Option<Vec<u64>>> {
        let rows = loop {
            let Some(first) = self.window.first() else { return Ok(None) };
            let limit = first.saturating_add(nonzeros as u64);
            let fit = self.window.partition_point(|offset| *offset <= limit) - 1;
            if fit + 1 < self.window.len() || fit >= MOST_ROWS || self.next >= self.stored.len() {
                break fit.clamp(1, MOST_ROWS).min(self.window.len() - 1);
            }
            self.load()?;
        };
        if rows == 0 {
            return Ok(None);
        }
        let taken = self.window[..=rows].to_vec();
        self.window.drain(..rows);
        Ok(Some(taken))
    }

    /// Passes over up to `rows` of the first rows, before any was taken; returns how many.
    pub(in crate::read) fn pass_over(&mut self, rows: u64) -> Result<u64> {
        let rows = rows.min(self.stored.len().saturating_sub(1));
        self.window.clear();
        self.next = rows;
        self.load()?;
        Ok(rows)
    }

    fn load(&mut self) -> Result<()> {
        let end = (self.next + WINDOW).min(self.stored.len());
        let mut numbers = Numbers::none(self.number);
        self.stored.read(self.next..end, &mut numbers.bytes)?;
        let begin = self.window.len().saturating_sub(1);
        match numbers.offsets() {
            Some(offsets) => self.window.extend(offsets),
            None => return Err(self.stored.wrong("holds a negative number or a fraction")),
        }
        if self.window[begin..].windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(self.stored.wrong("does not ascend"));
        }
        if self.window.last().is_some_and(|last| *last > self.entries) {
            return Err(self.stored.wrong(format!("points beyond the {} entries", self.entries)));
        }
        self.next = end;
        Ok(())
    }
}
