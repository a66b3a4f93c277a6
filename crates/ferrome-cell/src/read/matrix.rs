//! Rows, their ids and their columns of `obs`, joined to blocks of cells.

use std::path::PathBuf;

use super::obs::Frame;
use super::rows::Rows;
use super::{CellReader, Header, values};
use crate::cells::Cells;
use crate::{Error, Result};

/// A matrix whose rows and cells are known.
pub(super) struct Matrix {
    path: PathBuf,
    header: Header,
    rows: Box<dyn Rows>,
    obs: Frame,
    next: u64,
}

impl Matrix {
    /// A reader of these rows, which have as many cells as `obs`.
    pub(super) fn new(path: PathBuf, header: Header, rows: Box<dyn Rows>, obs: Frame) -> Self {
        Self { path, header, rows, obs, next: 0 }
    }
}

impl CellReader for Matrix {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let Some(raw) = self.rows.next_rows(nonzeros)? else { return Ok(None) };
        let (first, count) = (self.next, raw.starts.len().saturating_sub(1) as u64);
        let sound = values::sound(&raw, self.header.kind, &self.header.genes.ids).map_err(|what| {
            Error::file(&self.path, format!("{}: cells {first} to {}: {what}", self.header.layer, first + count - 1))
        })?;
        self.rows.take_back(raw);
        self.next += count;
        Ok(Some(Cells {
            first,
            ids: self.obs.ids(first..self.next)?,
            obs: self.obs.rows(first..self.next)?,
            starts: sound.starts,
            genes: sound.genes,
            values: sound.values,
            rejected: sound.rejected,
            rounded: sound.rounded,
        }))
    }

    fn pass_over(&mut self, cells: u64) -> Result<u64> {
        self.next = self.rows.pass_over(cells)?;
        Ok(self.next)
    }
}
