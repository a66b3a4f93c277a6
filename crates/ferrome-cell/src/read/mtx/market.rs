//! The Matrix Market format: blocks of lines come from a thread that decompresses, and are parsed in parallel.

mod parse;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;

pub(super) use parse::{Batch, Field};

use super::table::text;
use crate::{Error, Result};

/// Bytes of a block of lines.
const BLOCK: usize = 1 << 20;

/// A matrix as text.
pub(super) struct Market {
    path: PathBuf,
    pub(super) rows: u64,
    pub(super) columns: u64,
    pub(super) entries: u64,
    pub(super) field: Field,
    /// Whether cells are rows.
    pub(super) swapped: bool,
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// Lines and entries that were read.
    line: u64,
    read: u64,
    ready: VecDeque<Batch>,
}

impl Market {
    /// Reads the head of a file, and begins to read its lines.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut lines = text(path)?;
        let mut number = 0;
        let mut next = |lines: &mut Box<dyn BufRead + Send>| -> Result<String> {
            let mut line = Vec::new();
            number += 1;
            let read = lines.by_ref().take(BLOCK as u64).read_until(b'\n', &mut line);
            let length = read.map_err(|error| Error::file(path, format!("line {number}: {error}")))?;
            if length == 0 {
                return Err(Error::file(path, format!("ends at line {number}, before the size of the matrix")));
            }
            Ok(String::from_utf8_lossy(&line).trim().to_owned())
        };
        let field = Field::of(&next(&mut lines)?).map_err(|what| Error::file(path, what))?;
        let size = loop {
            let line = next(&mut lines)?;
            if !line.starts_with('%') && !line.is_empty() {
                break line;
            }
        };
        let numbers: Option<Vec<u64>> = size.split_ascii_whitespace().map(|word| word.parse().ok()).collect();
        let Some(&[rows, columns, entries]) = numbers.as_deref() else {
            let what = format!("line {number}: expected the numbers of rows, columns and entries, found `{size}`");
            return Err(Error::file(path, what));
        };
        let blocks = blocks(lines);
        let path = path.to_owned();
        Ok(Self {
            path,
            rows,
            columns,
            entries,
            field,
            swapped: false,
            blocks,
            line: number,
            read: 0,
            ready: VecDeque::new(),
        })
    }

    /// The next entries; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Batch>> {
        if self.ready.is_empty() {
            self.fill()?;
        }
        match self.ready.pop_front() {
            Some(batch) => {
                self.read += batch.genes.len() as u64;
                Ok(Some(batch))
            }
            None if self.read == self.entries => Ok(None),
            None => Err(self.wrong(format!("expected {} entries, found {}", self.entries, self.read))),
        }
    }

    /// Parses as many blocks as there are threads.
    fn fill(&mut self) -> Result<()> {
        let blocks: io::Result<Vec<_>> = self.blocks.iter().take(rayon::current_num_threads()).collect();
        let blocks = blocks.map_err(|error| self.wrong(format!("after line {}: {error}", self.line)))?;
        let (shape, swapped) = ((self.rows, self.columns), self.swapped);
        let parsed: Vec<_> =
            blocks.into_par_iter().map(|block| parse::batch(&block, self.field, shape, swapped)).collect();
        for (batch, lines) in parsed {
            match batch {
                Ok(batch) => self.ready.push_back(batch),
                Err(what) => return Err(self.wrong(format!("line {}: {what}", self.line + lines))),
            }
            self.line += lines;
        }
        Ok(())
    }

    pub(super) fn wrong(&self, what: String) -> Error {
        Error::file(&self.path, what)
    }
}

/// Whole lines, about [`BLOCK`] bytes at a time, read by a thread of its own.
fn blocks(mut lines: Box<dyn BufRead + Send>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut block = Vec::with_capacity(BLOCK + 64);
            let read = lines.by_ref().take(BLOCK as u64).read_to_end(&mut block);
            let read = read.and_then(|_| lines.by_ref().take(BLOCK as u64).read_until(b'\n', &mut block));
            let ended = block.is_empty() || read.is_err();
            if read.is_ok() && block.is_empty() || sender.send(read.map(|_| block)).is_err() || ended {
                return;
            }
        }
    });
    receiver
}
