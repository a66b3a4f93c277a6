//! Reading chunks past the library, by all threads.

use std::ops::Range;
use std::sync::Arc;

use hdf5_metno::Dataset;
use hdf5_metno::dataset::Layout;
use rayon::prelude::*;

use super::{Stored, Tile};
use crate::Result;
use crate::read::hdf5::filter::{self, Chunk};
use crate::read::hdf5::grid::Grid;

/// How the bytes of an array lie in the file.
#[derive(Debug)]
pub(super) enum Place {
    Contiguous(u64),
    Chunks(Grid),
    Library,
}

impl Place {
    /// Where the elements of a dataset lie.
    pub(super) fn of(dataset: &Dataset, shape: &[u64], width: usize) -> Self {
        let Ok(properties) = dataset.create_plist() else { return Self::Library };
        match properties.layout() {
            Layout::Contiguous if properties.external().is_empty() => {
                dataset.offset().map_or(Self::Library, Self::Contiguous)
            }
            Layout::Chunked => Grid::of(dataset, shape, width).map_or(Self::Library, Self::Chunks),
            _ => Self::Library,
        }
    }
}

impl Stored {
    /// The rectangle of a chunk.
    pub(super) fn chunk_tile(&self, grid: &Grid, rows: &Range<u64>, columns: &Range<u64>) -> Result<Tile> {
        let [tall, wide] = grid.chunk[..] else { return Err(self.wrong("expected two dimensions")) };
        let Some((_, chunk)) = grid.at(&[rows.start / tall, columns.start / wide]) else {
            return Err(self.wrong("a chunk is missing"));
        };
        let mut bytes = vec![0; self.bytes((grid.bytes / self.width.max(1)) as u64)?];
        let read = filter::read(&self.source.bytes, chunk, grid.pipeline, &mut bytes);
        read.map_err(|what| self.damaged(chunk, &what))?;
        let start = (rows.start % tall * wide + columns.start % wide) as usize;
        Ok(Tile { bytes, start, stride: wide as usize })
    }

    /// Reads a range of chunks in parallel, each once; the last one is kept for the range that begins in it.
    pub(super) fn read_chunks(&mut self, range: Range<u64>, output: &mut [u8]) -> Result<()> {
        let Place::Chunks(grid) = &self.place else { return Ok(()) };
        let kept = self.last.take();
        let jobs = jobs(grid, &range, self.width, output);
        let jobs = jobs.ok_or_else(|| self.wrong("a chunk is missing"))?;
        let run = |job: Job<'_>| -> Result<Option<(usize, Arc<Vec<u8>>)>> {
            let read = |output: &mut [u8]| {
                let read = filter::read(&self.source.bytes, job.chunk, grid.pipeline, output);
                read.map_err(|what| self.damaged(job.chunk, &what))
            };
            if job.output.len() == grid.bytes {
                return read(job.output).map(|()| None);
            }
            let whole = match &kept {
                Some((index, bytes)) if *index == job.index => bytes.clone(),
                _ => {
                    let mut bytes = vec![0; self.bytes((grid.bytes / self.width.max(1)) as u64)?];
                    read(&mut bytes)?;
                    Arc::new(bytes)
                }
            };
            job.output.copy_from_slice(&whole[job.skip..job.skip + job.output.len()]);
            Ok(Some((job.index, whole)))
        };
        let parts: Result<Vec<_>> = jobs.into_par_iter().map(run).collect();
        self.last = parts?.pop().flatten();
        Ok(())
    }

    fn damaged(&self, chunk: Chunk, what: &str) -> crate::Error {
        self.wrong(format!("the chunk at byte {} of the file cannot be read: {what}", chunk.address))
    }
}

/// A chunk, and the part of the output that comes from it.
struct Job<'a> {
    index: usize,
    chunk: Chunk,
    /// Bytes of the chunk before those that are wanted.
    skip: usize,
    output: &'a mut [u8],
}

fn jobs<'a>(grid: &Grid, range: &Range<u64>, width: usize, mut output: &'a mut [u8]) -> Option<Vec<Job<'a>>> {
    let long = *grid.chunk.first()?;
    let mut jobs = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let (index, chunk) = grid.at(&[at / long])?;
        let end = range.end.min((at / long + 1) * long);
        let (mine, rest) = output.split_at_mut((end - at) as usize * width);
        jobs.push(Job { index, chunk, skip: (at % long) as usize * width, output: mine });
        output = rest;
        at = end;
    }
    Some(jobs)
}
