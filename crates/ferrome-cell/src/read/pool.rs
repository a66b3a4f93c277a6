//! Reading with threads of its own.

use std::num::NonZeroUsize;
use std::path::Path;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{CellReader, Header};
use crate::cells::Cells;
use crate::{Error, Result};

struct Pooled {
    pool: ThreadPool,
    reader: Box<dyn CellReader>,
}

/// What `open` opens, read by so many threads; `path` is for messages.
pub(super) fn open(
    path: &Path,
    threads: NonZeroUsize,
    open: impl FnOnce() -> Result<Box<dyn CellReader>> + Send,
) -> Result<Box<dyn CellReader>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.get()).thread_name(|i| format!("read-{i}")).build();
    let pool = pool.map_err(|error| Error::file(path, format!("cannot start {threads} threads: {error}")))?;
    let reader = pool.install(open)?;
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
