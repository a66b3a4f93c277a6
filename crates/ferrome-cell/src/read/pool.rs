//! Reading with threads of its own.

use std::num::NonZeroUsize;
use std::path::Path;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{CellReader, Header, ReadOptions, open_here};
use crate::cells::Cells;
use crate::{Error, Result};

struct Pooled {
    pool: ThreadPool,
    reader: Box<dyn CellReader>,
}

/// Opens a file that is then read by so many threads.
pub(super) fn open(path: &Path, options: &ReadOptions, threads: NonZeroUsize) -> Result<Box<dyn CellReader>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.get()).thread_name(|i| format!("read-{i}")).build();
    let pool = pool.map_err(|error| Error::file(path, format!("cannot start {threads} threads: {error}")))?;
    let reader = pool.install(|| open_here(path, options))?;
    Ok(Box::new(Pooled { pool, reader }))
}

impl CellReader for Pooled {
    fn header(&self) -> &Header {
        self.reader.header()
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let Self { pool, reader } = self;
        pool.install(|| reader.next_cells(nonzeros))
    }

    fn pass_over(&mut self, cells: u64) -> Result<u64> {
        self.reader.pass_over(cells)
    }
}
