use std::path::Path;

use super::Data;
use crate::cells::Cells;
use crate::read::obs::Frame;
use crate::read::{CellReader, Header, ReadOptions};
use crate::{Error, Result};

/// Counts and genes of a file, with the names and columns that a program has for its cells.
struct Backed {
    reader: Box<dyn CellReader>,
    header: Header,
    obs: Frame,
}

/// Opens the file that backs `data`.
pub(super) fn open(path: &Path, options: &ReadOptions, data: &Data) -> Result<Box<dyn CellReader>> {
    let reader = crate::read::open(path, options)?;
    let (found, expected) = (reader.header().cells, data.cells.len() as u64);
    if found.is_some_and(|found| found != expected) {
        let found = found.unwrap_or_default();
        return Err(Error::file(
            path,
            format!("has {found} cells, but obs of the AnnData it backs has {expected} rows"),
        ));
    }
    let header = Header { obs: data.cells.schema(), ..reader.header().clone() };
    Ok(Box::new(Backed { reader, header, obs: data.cells.frame() }))
}

impl CellReader for Backed {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let Some(cells) = self.reader.next_cells(nonzeros)? else { return Ok(None) };
        let rows = cells.first..cells.first + cells.len() as u64;
        Ok(Some(Cells { ids: self.obs.ids(rows.clone())?, obs: self.obs.rows(rows)?, ..cells }))
    }
}
