//! Loom files: `/matrix` and `/layers` by gene and cell, attributes of genes (`row_attrs`) and of cells (`col_attrs`).

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};

use super::choose::choose;
use super::genes::genes;
use super::hdf5::{Node, Source};
use super::matrix::Matrix;
use super::obs::{Column, Frame, Parts};
use super::storage::Storage;
use super::{CellReader, Header, ReadOptions};
use crate::Result;

/// Attributes that identify a gene, the most exact first.
const GENES: [&str; 7] = ["Accession", "ensembl_id", "gene_ids", "gene_id", "Gene", "var_names", "gene_names"];

/// Attributes that identify a cell.
const CELLS: [&str; 5] = ["CellID", "obs_names", "cell_id", "CellId", "barcode"];

/// Whether the file looks like loom.
pub(super) fn is_loom(source: &Source) -> bool {
    matches!(source.node("matrix"), Some(Node::Dataset(_))) && source.node("row_attrs").is_some()
}

/// Opens a loom file.
pub(super) fn open(source: &Source, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let names = candidates(source, options)?;
    let chosen = choose(source.path(), &names, options, |name| Storage::dense(source, name, 1))?;
    let storage = chosen.storage;
    let mut var = frame(source, "row_attrs", &GENES, storage.genes)?;
    let obs = frame(source, "col_attrs", &CELLS, storage.cells)?;
    let mut genes = genes(&mut var)?;
    if genes.names.is_none() {
        genes.names = genes.columns.column_by_name("Gene").map(super::obs::texts).transpose()?;
    }
    let header = Header {
        genes,
        cells: Some(storage.cells),
        nonzeros: None,
        obs: obs.schema().clone(),
        layer: names[chosen.place].clone(),
        kind: chosen.kind,
        format: "loom",
    };
    Ok(Box::new(Matrix::new(source.path().to_owned(), header, storage.into_rows(options)?, obs)))
}

fn candidates(source: &Source, options: &ReadOptions) -> Result<Vec<String>> {
    let layers = source.names("layers");
    let has = |name: &str| layers.iter().any(|layer| layer == name);
    match options.layer.as_deref() {
        None if has("counts") => Ok(vec!["matrix".to_owned(), "layers/counts".to_owned()]),
        None | Some("X" | "matrix") => Ok(vec!["matrix".to_owned()]),
        Some(layer) => {
            let name = layer.strip_prefix("layers/").unwrap_or(layer);
            if has(name) {
                return Ok(vec![format!("layers/{name}")]);
            }
            let known: Vec<String> = layers.iter().map(|name| format!(", layers/{name}")).collect();
            Err(source.wrong("", format!("there is no layer {layer}; there are matrix{}", known.concat())))
        }
    }
}

/// The attributes in a group, indexed by the first of `ids` that is there, or by numbers.
fn frame(source: &Source, group: &str, ids: &[&str], rows: u64) -> Result<Frame> {
    let names = source.names(group);
    let id = ids.iter().find(|id| names.iter().any(|name| name == **id));
    let index = match id {
        Some(id) => Column::open(source, &format!("{group}/{id}"))?,
        None => {
            Column::Memory(Arc::new((0..rows).map(|row| Some(row.to_string())).collect::<StringArray>()) as ArrayRef)
        }
    };
    if index.len() != rows {
        return Err(source.wrong(group, format!("has {} rows, but the matrix has {rows}", index.len())));
    }
    let mut parts = Parts::default();
    for name in names.iter().filter(|name| id.is_none_or(|id| name != id)) {
        parts.add(source, &format!("{group}/{name}"), name);
    }
    parts.finish(index).map_err(|what| source.wrong(group, what))
}
