//! Sorting the rows of a long table by cell, in a temporary file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use arrow::array::StringArray;

use super::long::{Entries, finished};
use super::source::{RawRows, Source};
use crate::{Error, Result};

/// Entries that are sorted in memory at a time.
const BUCKET: u64 = 1 << 21;
/// Bytes of an entry: cell, gene, value.
const WIDTH: usize = 16;
/// Bytes that wait in memory for each bucket.
const BUFFER: usize = 1 << 16;

/// Rows by cell.
pub(super) struct Spilled {
    file: File,
    buckets: std::vec::IntoIter<Bucket>,
    ids: StringArray,
}

/// Consecutive cells, and the place of their rows in the file.
#[derive(Clone, Debug, Default)]
struct Bucket {
    start: u64,
    written: u64,
    waiting: Vec<u8>,
}

impl Spilled {
    /// Sorts `rows`; `entries` says how many each cell has.
    pub(super) fn sort(mut rows: Entries, entries: &[u64], ids: StringArray) -> Result<Self> {
        let (of_cell, mut buckets) = share_out(entries, BUCKET);
        let mut file = tempfile::tempfile().map_err(failed)?;
        while let Some(rows) = rows.next()? {
            for (cell, gene, value) in rows {
                let bucket = &mut buckets[of_cell[cell as usize] as usize];
                bucket.waiting.extend_from_slice(&cell.to_le_bytes());
                bucket.waiting.extend_from_slice(&gene.to_le_bytes());
                bucket.waiting.extend_from_slice(&value.to_le_bytes());
                if bucket.waiting.len() >= BUFFER {
                    bucket.flush(&mut file).map_err(failed)?;
                }
            }
        }
        for bucket in &mut buckets {
            bucket.flush(&mut file).map_err(failed)?;
            bucket.waiting = Vec::new();
        }
        Ok(Self { file, buckets: buckets.into_iter(), ids })
    }
}

impl Bucket {
    fn flush(&mut self, file: &mut File) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.start + self.written))?;
        file.write_all(&self.waiting)?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

impl Source for Spilled {
    fn next_rows(&mut self) -> Result<Option<RawRows>> {
        let Some(bucket) = self.buckets.next() else { return Ok(None) };
        let mut bytes = vec![0; bucket.written as usize];
        self.file.seek(SeekFrom::Start(bucket.start)).map_err(failed)?;
        self.file.read_exact(&mut bytes).map_err(failed)?;
        let mut entries: Vec<(u32, u32, f64)> = bytes.chunks_exact(WIDTH).map(entry).collect();
        drop(bytes);
        // Stable, so that entries of a cell stay in the order of the file.
        entries.sort_by_key(|&(cell, ..)| cell);
        let cells = entries.chunk_by(|left, right| left.0 == right.0).map(|rows| {
            let cell = rows.first().map_or(0, |&(cell, ..)| cell);
            (cell, rows.iter().map(|&(_, gene, value)| (gene, value)).collect())
        });
        Ok(Some(finished(&self.ids, cells.collect())))
    }
}

fn entry(bytes: &[u8]) -> (u32, u32, f64) {
    let mut entry = [0; WIDTH];
    entry.copy_from_slice(bytes);
    let all = u128::from_le_bytes(entry);
    (all as u32, (all >> 32) as u32, f64::from_bits((all >> 64) as u64))
}

/// The bucket of each cell, and the buckets: consecutive cells with at most `most` entries, at least one cell.
fn share_out(entries: &[u64], most: u64) -> (Vec<u32>, Vec<Bucket>) {
    let mut of_cell = Vec::with_capacity(entries.len());
    let mut buckets: Vec<Bucket> = Vec::new();
    let (mut filled, mut total) = (0, 0);
    for &count in entries {
        if buckets.is_empty() || filled + count > most {
            buckets.push(Bucket { start: total * WIDTH as u64, ..Bucket::default() });
            filled = 0;
        }
        filled += count;
        total += count;
        of_cell.push(buckets.len() as u32 - 1);
    }
    (of_cell, buckets)
}

fn failed(error: io::Error) -> Error {
    Error::file(
        std::env::temp_dir(),
        format!("cannot sort a long table there ({error}); set TMPDIR to a folder with room"),
    )
}
