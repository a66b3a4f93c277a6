//! Entries in any order, put aside by ranges of cells: in memory, or in a file of their own if there are many.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::read::hdf5::Number;
use crate::{Error, Result};

/// Entries of a bucket; few in tests, so that these use the file as well.
const BUCKET: u64 = if cfg!(test) { 1 << 8 } else { 1 << 22 };

/// Bytes that wait in memory, in all buckets together.
const WAITING: usize = 64 << 20;

/// Where the entries of a matrix are sorted by cell, roughly.
#[derive(Debug)]
pub(in crate::read) struct Spill {
    pub(super) number: Number,
    pub(super) cells: u64,
    /// A bucket holds 2^`shift` cells.
    pub(super) shift: u32,
    pub(super) buckets: Vec<Bucket>,
    store: Store,
    /// Entries at which a bucket is written.
    full: usize,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    File(File, u64),
}

/// The entries of a range of cells.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    waiting: Waiting,
    /// Where those that do not wait lie: place, runs, entries.
    pub(super) records: Vec<(u64, usize, usize)>,
}

/// Entries that wait to be written, gene by gene.
#[derive(Debug, Default)]
struct Waiting {
    /// Genes, and how many entries each has.
    runs: Vec<(u32, u32)>,
    /// Cells, counted from the first one of the bucket.
    cells: Vec<u32>,
    values: Vec<u8>,
}

/// Entries as they were written.
pub(super) struct Entries<'a> {
    runs: &'a [[u8; 8]],
    cells: &'a [[u8; 4]],
    pub(super) values: &'a [u8],
}

impl Spill {
    /// Room for so many entries of so many cells, if need be in the folder `scratch`.
    pub(in crate::read) fn new(cells: u64, entries: u64, number: Number, scratch: Option<&Path>) -> Result<Self> {
        let wanted = entries.div_ceil(BUCKET).max(1);
        let shift = cells.div_ceil(wanted).max(1).next_power_of_two().trailing_zeros().min(31);
        let count = ((cells.max(1) - 1) >> shift) as usize + 1;
        let store = if count == 1 {
            Store::Memory(Vec::new())
        } else {
            let folder = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
            let file = tempfile::tempfile_in(&folder);
            Store::File(file.map_err(|error| Error::file(folder, format!("cannot put entries aside: {error}")))?, 0)
        };
        let full = (WAITING / count / (4 + number.width())).clamp(1 << 8, 1 << 17);
        let buckets = (0..count).map(|_| Bucket::default()).collect();
        Ok(Self { number, cells, shift, buckets, store, full })
    }

    /// Adds entries of one gene; `values` has the bytes of a number for each of `cells`, which are below the number of
    /// cells.
    pub(in crate::read) fn push(&mut self, gene: u32, cells: &[u32], values: &[u8]) -> Result<()> {
        let (width, mask) = (self.number.width(), (1u32 << self.shift) - 1);
        let mut at = 0;
        while let Some(&cell) = cells.get(at) {
            let place = (cell >> self.shift) as usize;
            let same = cells[at..].iter().take_while(|cell| (**cell >> self.shift) as usize == place).count();
            let entries = &mut self.buckets[place].waiting;
            match entries.runs.last_mut() {
                Some((last, count)) if *last == gene => *count += same as u32,
                _ => entries.runs.push((gene, same as u32)),
            }
            entries.cells.extend(cells[at..at + same].iter().map(|cell| cell & mask));
            entries.values.extend_from_slice(&values[at * width..(at + same) * width]);
            if entries.cells.len() >= self.full {
                self.write(place)?;
            }
            at += same;
        }
        Ok(())
    }

    /// Writes what still waits.
    pub(in crate::read) fn finish(&mut self) -> Result<()> {
        (0..self.buckets.len()).try_for_each(|place| {
            self.write(place)?;
            self.buckets[place].waiting = Waiting::default();
            Ok(())
        })
    }

    fn write(&mut self, place: usize) -> Result<()> {
        let bucket = &mut self.buckets[place];
        let Waiting { runs, cells, values } = &mut bucket.waiting;
        let mut bytes = Vec::with_capacity(8 * runs.len() + 4 * cells.len() + values.len());
        bytes.extend(runs.iter().flat_map(|(gene, count)| [gene.to_le_bytes(), count.to_le_bytes()]).flatten());
        bytes.extend(cells.iter().flat_map(|cell| cell.to_le_bytes()));
        bytes.extend_from_slice(values);
        let begin = match &mut self.store {
            Store::Memory(all) => {
                all.extend_from_slice(&bytes);
                all.len() - bytes.len()
            }
            Store::File(file, length) => {
                let written = file.write_all_at(&bytes, *length);
                written.map_err(|error| aside("written", &error))?;
                *length += bytes.len() as u64;
                *length as usize - bytes.len()
            }
        };
        bucket.records.push((begin as u64, runs.len(), cells.len()));
        runs.clear();
        cells.clear();
        values.clear();
        Ok(())
    }

    /// Reads what was written for a bucket, part by part.
    pub(super) fn read(&self, place: usize, mut take: impl FnMut(Entries<'_>)) -> Result<()> {
        let mut read = Vec::new();
        for &(begin, runs, count) in &self.buckets[place].records {
            let length = 8 * runs + (4 + self.number.width()) * count;
            let bytes = match &self.store {
                Store::Memory(all) => &all[begin as usize..][..length],
                Store::File(file, _) => {
                    read.resize(length, 0);
                    file.read_exact_at(&mut read, begin).map_err(|error| aside("read", &error))?;
                    &read[..]
                }
            };
            let (runs, rest) = bytes.split_at(8 * runs);
            let (cells, values) = rest.split_at(4 * count);
            take(Entries { runs: runs.as_chunks().0, cells: cells.as_chunks().0, values });
        }
        Ok(())
    }
}

impl Entries<'_> {
    /// Genes, and how many entries each has.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u32, usize)> {
        self.runs.iter().map(|[a, b, c, d, e, f, g, h]| {
            (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]) as usize)
        })
    }

    /// Cells, counted from the first one of the bucket.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize)
    }
}

/// The message names no file: the one that holds what is put aside has no name.
fn aside(what: &str, error: &std::io::Error) -> Error {
    let text =
        format!("what is put aside while the matrix is transposed cannot be {what}: {error} (is the disk full?)");
    Error::Io(std::io::Error::new(error.kind(), text))
}
