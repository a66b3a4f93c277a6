//! Rows of a matrix whose entries come in another order than by cell.
//!
//! Entries are read once and put aside in buckets of consecutive cells, then each bucket is sorted by cell in memory
//! (counting first, then placing). With `n` entries of `b` bytes this reads the file once, writes and reads `n * b` bytes,
//! and takes time in proportion to `n`, whatever the memory; only the buckets in hand are in it.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::Bands;
use super::spill::{Entries, Spill};
use crate::Result;
use crate::read::hdf5::{Number, Numbers};
use crate::read::values::RawRows;

/// Entries of a band; a bucket that holds more is taken in parts (as in tests).
const BAND: usize = if cfg!(test) { 1 << 7 } else { 1 << 23 };

/// Buckets that are sorted at a time, at most.
const TOGETHER: usize = 8;

/// The cells of a [`Spill`], in order.
#[derive(Debug)]
pub(in crate::read) struct Transposed {
    spill: Spill,
    next: usize,
    ready: VecDeque<RawRows>,
}

impl Transposed {
    /// The cells of entries that are all put aside.
    pub(in crate::read) fn new(spill: Spill) -> Self {
        Self { spill, next: 0, ready: VecDeque::new() }
    }
}

impl Bands for Transposed {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        while self.ready.is_empty() && self.next < self.spill.buckets.len() {
            let together = rayon::current_num_threads().min(TOGETHER);
            let end = (self.next + together).min(self.spill.buckets.len());
            let spill = &self.spill;
            let bands: Result<Vec<_>> = (self.next..end).into_par_iter().map(|place| sorted(spill, place)).collect();
            self.ready.extend(bands?.into_iter().flatten());
            self.next = end;
        }
        Ok(self.ready.pop_front())
    }
}

/// The rows of a bucket.
fn sorted(spill: &Spill, place: usize) -> Result<Vec<RawRows>> {
    let first = (place as u64) << spill.shift;
    let cells = (spill.cells.min(first + (1 << spill.shift)) - first) as usize;
    let mut lengths = vec![0usize; cells];
    spill.read(place, |entries| entries.cells().for_each(|cell| lengths[cell] += 1))?;
    let mut bands = Vec::new();
    let mut begin = 0;
    while begin < cells {
        let mut total = lengths[begin];
        let mut end = begin + 1;
        while end < cells && total + lengths[end] <= BAND {
            total += lengths[end];
            end += 1;
        }
        bands.push(match spill.number.width() {
            1 => band::<1>(spill, place, begin, &lengths[begin..end])?,
            2 => band::<2>(spill, place, begin, &lengths[begin..end])?,
            4 => band::<4>(spill, place, begin, &lengths[begin..end])?,
            _ => band::<8>(spill, place, begin, &lengths[begin..end])?,
        });
        begin = end;
    }
    Ok(bands)
}

/// The cells of a bucket from `begin` on, which have these lengths.
fn band<const W: usize>(spill: &Spill, place: usize, begin: usize, lengths: &[usize]) -> Result<RawRows> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    starts.push(0);
    starts.extend(lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    }));
    let total = starts.last().copied().unwrap_or(0);
    let mut free = starts.clone();
    let (mut genes, mut values) = (vec![0; 4 * total], vec![0; W * total]);
    let (gene_slots, _) = genes.as_chunks_mut::<4>();
    let (value_slots, _) = values.as_chunks_mut::<W>();
    let put = |entries: Entries<'_>| {
        let (stored, _) = entries.values.as_chunks::<W>();
        let mut pairs = entries.cells().zip(stored);
        for (gene, count) in entries.runs() {
            for (cell, value) in pairs.by_ref().take(count) {
                let Some(slot) = cell.checked_sub(begin).and_then(|cell| free.get_mut(cell)) else { continue };
                if let (Some(gene_slot), Some(value_slot)) = (gene_slots.get_mut(*slot), value_slots.get_mut(*slot)) {
                    *gene_slot = gene.to_le_bytes();
                    *value_slot = *value;
                    *slot += 1;
                }
            }
        }
    };
    spill.read(place, put)?;
    let number = |number, bytes| Numbers { number, bytes };
    Ok(RawRows { starts, genes: number(Number::U32, genes), values: number(spill.number, values) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::rows::{Cut, Rows};

    /// Entries of `cells` x `genes` with a pattern: gene by gene, cells ascending.
    fn entries(cells: u32, genes: u32) -> Vec<(u32, Vec<u32>, Vec<u8>)> {
        let of = |gene: u32| {
            let cells: Vec<u32> = (0..cells).filter(|cell| (cell * 7 + gene * 13) % 11 < 3 || *cell == 5).collect();
            let values = cells.iter().flat_map(|cell| (cell * 1000 + gene).to_le_bytes()).collect();
            (gene, cells, values)
        };
        (0..genes).map(of).collect()
    }

    #[test]
    fn entries_by_gene_become_rows_through_the_file() {
        let (cells, genes) = (1000, 40);
        let entries = entries(cells, genes);
        let total: usize = entries.iter().map(|(_, cells, _)| cells.len()).sum();
        let mut spill = Spill::new(u64::from(cells), total as u64, Number::U32, None).unwrap();
        assert!(spill.buckets.len() > 4);
        entries.iter().for_each(|(gene, cells, values)| spill.push(*gene, cells, values).unwrap());
        spill.finish().unwrap();
        let mut rows = Cut::new(Transposed::new(spill));
        let mut cell = 0;
        while let Some(block) = rows.next_rows(50).unwrap() {
            for row in block.starts.windows(2) {
                let wanted: Vec<f64> =
                    (0..genes).filter(|gene| (cell * 7 + gene * 13) % 11 < 3 || cell == 5).map(f64::from).collect();
                let found: Vec<f64> = (row[0]..row[1]).map(|place| block.genes.double(place)).collect();
                assert_eq!(found, wanted, "cell {cell}");
                let value = |place: usize| block.values.double(place) - f64::from(cell * 1000);
                assert_eq!((row[0]..row[1]).map(value).collect::<Vec<_>>(), wanted);
                cell += 1;
            }
        }
        assert_eq!(cell, cells);
    }

    #[test]
    fn cells_without_entries_are_rows_too() {
        let mut spill = Spill::new(3, 1, Number::U8, None).unwrap();
        spill.push(7, &[1], &[9]).unwrap();
        spill.finish().unwrap();
        let band = Transposed::new(spill).next_band().unwrap().unwrap();
        assert_eq!((band.starts, band.values.bytes), (vec![0, 0, 1, 1], vec![9]));
        let mut none = Spill::new(0, 0, Number::U8, None).unwrap();
        none.finish().unwrap();
        assert!(Cut::new(Transposed::new(none)).next_rows(9).unwrap().is_none());
    }
}
