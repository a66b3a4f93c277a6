//! Cells that the calling program has in memory, as an AnnData object has them. They are read as those of an h5ad file are:
//! the same matrix is taken, the same cells are rejected, and blocks end at the same places.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringArray};
//! use ferrome_cell::read::{ReadOptions, memory::{Counts, Data, Layer, Matrix, Table}};
//!
//! let names = |names: Vec<&str>| -> Result<Table, Box<dyn std::error::Error>> {
//!     let ids: ArrayRef = Arc::new(StringArray::from(names));
//!     Ok(Table::new(&RecordBatch::try_from_iter([("index", ids)])?)?)
//! };
//! let (starts, genes): (ArrayRef, ArrayRef) =
//!     (Arc::new(Int32Array::from(vec![0, 2, 3])), Arc::new(Int32Array::from(vec![0, 2, 1])));
//! let matrix = Matrix::sparse(starts, genes, Arc::new(Float32Array::from(vec![3.0, 1.0, 7.0])), 3)?;
//! let layer = Layer { name: "X".into(), genes: Arc::new(names(vec!["CD3E", "LYZ", "NKG7"])?), matrix };
//! let data = Data { name: "AnnData".into(), cells: names(vec!["a", "b"])?, counts: Counts::Layers(vec![layer]) };
//!
//! let mut reader = data.open(&ReadOptions::default())?;
//! assert_eq!(reader.next_cells(100)?.map(|cells| cells.genes), Some(vec![0, 2, 1]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backed;
mod matrix;
mod rows;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array;
use ferrome_core::fingerprint::{Fingerprint, hex};

use super::choose::choose;
use super::genes::genes;
use super::matrix::Matrix as Reader;
use super::{CellReader, Header, ReadOptions, h5ad, pool};
use crate::{Error, Result};

pub use matrix::Matrix;
pub use table::Table;

/// The cells of a program.
#[derive(Clone, Debug)]
pub struct Data {
    /// What messages call them.
    pub name: PathBuf,
    /// `obs`.
    pub cells: Table,
    /// Their counts.
    pub counts: Counts,
}

/// Where counts are.
#[derive(Clone, Debug)]
pub enum Counts {
    /// In memory: the matrices to look at, in this order.
    Layers(Vec<Layer>),
    /// In the h5ad that an AnnData is backed by; its own `obs` counts for nothing.
    File(PathBuf),
}

/// A matrix and its genes.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `X`, `raw/X` or `layers/NAME`.
    pub name: String,
    /// `var`, or `raw.var`.
    pub genes: Arc<Table>,
    /// Its values.
    pub matrix: Matrix,
}

/// Which matrices to look at: `layer`, or X, `raw/X` and `layers/counts`, of those that are `there`.
///
/// # Errors
///
/// There is none such; what there is.
pub fn candidates(there: &[String], layer: Option<&str>) -> Result<Vec<String>, String> {
    h5ad::candidates(there, layer)
}

impl Data {
    /// Opens them from the first cell; what `options` say of the layer has been decided by [`candidates`], but for a file.
    ///
    /// # Errors
    ///
    /// No matrix holds counts (unless `allow_floats`), or their shapes disagree.
    pub fn open(&self, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
        let layers = match &self.counts {
            Counts::File(path) => return backed::open(path, options, self),
            Counts::Layers(layers) => layers,
        };
        let open = || self.open_here(layers, options);
        match options.threads {
            Some(threads) => pool::open(&self.name, threads, open),
            None => open(),
        }
    }

    fn open_here(&self, layers: &[Layer], options: &ReadOptions) -> Result<Box<dyn CellReader>> {
        let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
        let chosen = choose(&self.name, &names, options, |name| {
            let layer = layers.iter().find(|layer| layer.name == name);
            layer.map(|layer| layer.matrix.clone()).ok_or_else(|| Error::file(&self.name, "no matrix"))
        })?;
        let (layer, matrix) = (&layers[chosen.place], chosen.storage);
        let wrong = |what: String| Error::file(&self.name, format!("{}: {what}", layer.name));
        let mut var = layer.genes.frame();
        let found = matrix.shape().map_err(wrong)?;
        let (rows, columns) = (self.cells.len() as u64, var.len());
        if found != (rows, columns) {
            let (cells, genes) = found;
            let what = format!("has {cells} cells and {genes} genes, but obs has {rows} rows and var has {columns}");
            return Err(wrong(what));
        }
        let header = Header {
            genes: genes(&mut var)?,
            cells: Some(rows),
            nonzeros: matrix.nonzeros(),
            obs: self.cells.schema(),
            layer: layer.name.clone(),
            kind: chosen.kind,
            format: matrix.format(),
        };
        let rows = matrix.into_rows().map_err(wrong)?;
        Ok(Box::new(Reader::new(self.name.clone(), header, rows, self.cells.frame())))
    }

    /// The file that backs them, if one does.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.counts {
            Counts::File(path) => Some(path),
            Counts::Layers(_) => None,
        }
    }

    /// Size and hash of all that is in memory: who describes a run by it sees that another one has other cells.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut hash = Fingerprint::new();
        self.cells.add_to(&mut hash);
        if let Counts::Layers(layers) = &self.counts {
            for layer in layers {
                hash.push(layer.name.as_bytes());
                layer.genes.add_to(&mut hash);
                layer.matrix.add_to(&mut hash);
            }
        }
        format!("{} cells in memory, xxh3 {}", self.cells.len(), hex(hash.finish()))
    }
}

// The bytes that an array of numbers has; for all others their text is what counts.
fn add_array(array: &dyn Array, hash: &mut Fingerprint) {
    let data = array.to_data();
    hash.push(data.data_type().to_string().as_bytes());
    let (offset, len) = (data.offset(), data.len());
    if let (Some(width), [buffer]) = (data.data_type().primitive_width(), data.buffers()) {
        hash.push(buffer.as_slice().get(offset * width..(offset + len) * width).unwrap_or_default());
        if let Some(nulls) = data.nulls() {
            hash.push(&nulls.iter().map(u8::from).collect::<Vec<_>>());
        }
        return;
    }
    let text = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8);
    if let Ok(text) = text {
        for text in arrow::array::AsArray::as_string::<i32>(&text).iter() {
            hash.push(text.unwrap_or("\0").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
