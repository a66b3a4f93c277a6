use super::{MOST_ROWS, Rows};
use crate::Result;
use crate::read::hdf5::Numbers;
use crate::read::values::RawRows;

/// A matrix that gives its rows in order, as many at a time as suits it.
pub(in crate::read) trait Bands: Send {
    /// The next rows, at least one; `None` after the last one.
    fn next_band(&mut self) -> Result<Option<RawRows>>;

    /// Passes over up to `rows` of the first rows, before any was read; returns how many.
    fn pass_over(&mut self, _rows: u64) -> Result<u64> {
        Ok(0)
    }
}

/// Bands, cut where [`Rows`] cuts.
#[derive(Debug)]
pub(in crate::read) struct Cut<B> {
    bands: B,
    pending: Option<RawRows>,
    /// Rows of `pending` that were given.
    given: usize,
}

impl<B: Bands> Cut<B> {
    /// Cuts these bands.
    pub(in crate::read) fn new(bands: B) -> Self {
        Self { bands, pending: None, given: 0 }
    }

    /// Adds a band to what is pending.
    fn add(&mut self, band: RawRows) {
        let rest = self.pending.take().filter(|pending| self.given + 1 < pending.starts.len());
        self.pending = Some(match rest {
            Some(pending) => {
                let rows = pending.starts.len() - 1;
                let mut joined = pending.rows(self.given..rows);
                joined.append(&band);
                joined
            }
            None => band,
        });
        self.given = 0;
    }
}

impl<B: Bands> Rows for Cut<B> {
    fn pass_over(&mut self, rows: u64) -> Result<u64> {
        self.bands.pass_over(rows)
    }

    fn next_rows(&mut self, nonzeros: usize) -> Result<Option<RawRows>> {
        loop {
            if let Some(pending) = &self.pending {
                let starts = &pending.starts[self.given..];
                let limit = starts.first().map_or(0, |start| start.saturating_add(nonzeros));
                let fit = starts.partition_point(|start| *start <= limit).saturating_sub(1);
                if fit + 1 < starts.len() || fit >= MOST_ROWS {
                    let rows = self.given..self.given + fit.clamp(1, MOST_ROWS);
                    self.given = rows.end;
                    return Ok(Some(pending.rows(rows)));
                }
            }
            match self.bands.next_band()? {
                Some(band) => self.add(band),
                None => {
                    let Some(pending) = self.pending.take() else { return Ok(None) };
                    let rows = pending.starts.len() - 1;
                    return Ok((self.given < rows).then(|| pending.rows(self.given..rows)));
                }
            }
        }
    }
}

impl RawRows {
    /// Some of these rows.
    fn rows(&self, rows: std::ops::Range<usize>) -> Self {
        let starts = &self.starts[rows.start..=rows.end];
        let (first, last) = (self.starts[rows.start], self.starts[rows.end]);
        Self {
            starts: starts.iter().map(|start| start - first).collect(),
            genes: self.genes.part(first..last),
            values: self.values.part(first..last),
        }
    }

    /// Adds rows of the same kind of numbers.
    pub(in crate::read) fn append(&mut self, other: &Self) {
        let base = self.starts.last().copied().unwrap_or(0);
        self.starts.extend(other.starts.iter().skip(1).map(|start| base + start));
        self.genes.bytes.extend_from_slice(&other.genes.bytes);
        self.values.bytes.extend_from_slice(&other.values.bytes);
    }
}

impl Numbers {
    fn part(&self, places: std::ops::Range<usize>) -> Self {
        let width = self.number.width();
        Self { number: self.number, bytes: self.bytes[places.start * width..places.end * width].to_vec() }
    }
}
