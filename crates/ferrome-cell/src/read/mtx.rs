//! Matrices in the Matrix Market format with their names beside them: folders of Cell Ranger, STARsolo and kb, gzipped or
//! not, and single `.mtx` files.
//!
//! Entries that come cell by cell are given as they are read; others are put aside and sorted by cell first.

mod cells;
mod files;
mod market;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};

use cells::{Entries, InOrder};
use files::Files;
use market::Market;

use super::choose::judge;
use super::genes::genes;
use super::matrix::Matrix;
use super::obs::{Column, Frame, Parts};
use super::rows::{Bands, Cut, Rows, Transposed};
use super::values::RawRows;
use super::{CellReader, Header, ReadOptions};
use crate::{Error, Result};

/// Names of the columns of features beyond id and name.
const MORE: [&str; 4] = ["feature_type", "chromosome", "start", "end"];

/// Opens a matrix, or the folder of one.
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let files = Files::find(path)?;
    if let Some(layer) = options.layer.as_ref().filter(|layer| *layer != "X") {
        return Err(Error::file(path, format!("there is no layer {layer}; such a matrix has none")));
    }
    let mut var = features(&files.features)?;
    let obs = barcodes(&files.barcodes)?;
    let mut market = Market::open(&files.matrix)?;
    market.swapped = swapped(&market, var.len(), obs.len(), &files)?;
    let nonzeros = market.entries;
    let entries = Entries::new(market)?;
    let header = Header {
        genes: genes(&mut var)?,
        cells: Some(obs.len()),
        nonzeros: Some(nonzeros),
        obs: obs.schema().clone(),
        layer: "X".to_owned(),
        kind: judge(&files.matrix, "the matrix", &entries.sample(), options)?,
        format: "mtx",
    };
    let rows: Box<dyn Rows> = if entries.are_in_order() {
        Box::new(Cut::new(InOrder::new(entries, obs.len())))
    } else {
        Box::new(Cut::new(Sorted {
            entries: Some(entries),
            cells: obs.len(),
            scratch: options.scratch.clone(),
            sorted: None,
        }))
    };
    Ok(Box::new(Matrix::new(files.matrix, header, rows, obs)))
}

/// Whether cells are rows, as the numbers of features and barcodes tell.
fn swapped(market: &Market, genes: u64, cells: u64, files: &Files) -> Result<bool> {
    let (rows, columns) = (market.rows, market.columns);
    if (rows, columns) == (genes, cells) || (rows, columns) == (cells, genes) {
        return Ok((rows, columns) != (genes, cells));
    }
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (features, barcodes) = (name(&files.features), name(&files.barcodes));
    Err(market.wrong(format!("has {rows} x {columns}, but {features} has {genes} lines and {barcodes} has {cells}")))
}

/// Ids, names and types.
fn features(path: &Path) -> Result<Frame> {
    let mut columns = table::columns(path)?.into_iter();
    let mut parts = Parts::default();
    let index = columns.next().unwrap_or_else(|| StringArray::from(Vec::<&str>::new()));
    for (place, column) in columns.enumerate() {
        let name = if place == 0 { "gene_name" } else { MORE.get(place - 1).copied().unwrap_or("more") };
        if name != "more" {
            parts.memory(name, Arc::new(column) as ArrayRef);
        }
    }
    parts.finish(Column::Memory(Arc::new(index))).map_err(|what| Error::file(path, what))
}

/// Barcodes; further columns of such files have no names, and are numbered.
fn barcodes(path: &Path) -> Result<Frame> {
    let mut columns = table::columns(path)?.into_iter();
    let mut parts = Parts::default();
    let index = columns.next().unwrap_or_else(|| StringArray::from(Vec::<&str>::new()));
    for (place, column) in columns.enumerate() {
        parts.memory(&format!("column{}", place + 2), Arc::new(column) as ArrayRef);
    }
    parts.finish(Column::Memory(Arc::new(index))).map_err(|what| Error::file(path, what))
}

/// The cells of a matrix whose entries come in another order; they are sorted when the first one is asked for.
struct Sorted {
    entries: Option<Entries>,
    cells: u64,
    scratch: Option<PathBuf>,
    sorted: Option<Transposed>,
}

impl Bands for Sorted {
    fn next_band(&mut self) -> Result<Option<RawRows>> {
        if let Some(entries) = self.entries.take() {
            self.sorted = Some(entries.transpose(self.cells, self.scratch.as_deref())?);
        }
        self.sorted.as_mut().map_or(Ok(None), Bands::next_band)
    }
}
