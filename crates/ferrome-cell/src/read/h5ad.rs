//! AnnData files (`.h5ad`), of anndata 0.5 to 0.13.

use super::choose::choose;
use super::genes::genes;
use super::hdf5::{Attributes, Node, Source};
use super::matrix::Matrix;
use super::obs::Frame;
use super::storage::Storage;
use super::{CellReader, Header, ReadOptions};
use crate::Result;

/// Where counts are looked for, in this order, and the `var` that belongs to each.
const COUNTS: [&str; 4] = ["X", "raw/X", "raw.X", "layers/counts"];

/// Whether the file looks like AnnData.
pub(super) fn is_h5ad(source: &Source) -> bool {
    let encoded = source.root().text("encoding-type").is_some_and(|kind| kind == "anndata");
    encoded || source.node("obs").is_some() && source.node("var").is_some()
}

/// Opens an AnnData file.
pub(super) fn open(source: &Source, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let names = candidates(&layers(source), options.layer.as_deref()).map_err(|what| match source.names("mod") {
        parts if options.layer.is_none() && !parts.is_empty() => {
            source.wrong("", format!("a MuData file with {}; write one of them as h5ad first", parts.join(", ")))
        }
        _ => source.wrong("", what),
    })?;
    let chosen = choose(source.path(), &names, options, |name| Storage::open(source, name))?;
    let layer = &names[chosen.place];
    let mut var = Frame::open(source, var(layer))?;
    let obs = Frame::open(source, "obs")?;
    let storage = chosen.storage;
    if (storage.cells, storage.genes) != (obs.len(), var.len()) {
        let (cells, genes) = (storage.cells, storage.genes);
        let (rows, columns) = (obs.len(), var.len());
        let what = format!("has {cells} cells and {genes} genes, but obs has {rows} rows and var has {columns}");
        return Err(source.wrong(layer, what));
    }
    let header = Header {
        genes: genes(&mut var)?,
        cells: Some(storage.cells),
        nonzeros: storage.nonzeros(),
        obs: obs.schema().clone(),
        layer: layer.replace("raw.X", "raw/X"),
        kind: chosen.kind,
        format: match storage.format() {
            "CSR" => "h5ad (CSR)",
            "CSC" => "h5ad (CSC)",
            _ => "h5ad (dense)",
        },
    };
    let rows = storage.into_rows(options)?;
    Ok(Box::new(Matrix::new(source.path().to_owned(), header, rows, obs)))
}

/// The matrices to look at, of those that are there; the error says that there is none such.
pub(super) fn candidates(there: &[String], layer: Option<&str>) -> Result<Vec<String>, String> {
    let present = |name: &str| there.iter().any(|found| found == name);
    let Some(layer) = layer else {
        let found: Vec<String> = COUNTS.into_iter().filter(|name| present(name)).map(str::to_owned).collect();
        if found.is_empty() {
            return Err(format!("no matrix: X, raw/X and layers/counts are absent{}", others(there)));
        }
        return Ok(found);
    };
    let in_layers = format!("layers/{layer}");
    let names: &[&str] = match layer {
        "raw" | "raw/X" | "raw.X" => &["raw/X", "raw.X"],
        other => &[other, &in_layers],
    };
    match names.iter().find(|name| present(name)) {
        Some(name) => Ok(vec![(*name).to_owned()]),
        None => Err(format!("there is no layer {layer}{}", others(there))),
    }
}

/// Whether it may be a matrix: the value that stands for an absent X is none.
fn holds_matrix(node: &Node) -> bool {
    match node {
        Node::Group(group) => group.link_exists("indptr"),
        Node::Dataset(dataset) => dataset.ndim() == 2,
    }
}

/// The matrices of a file.
fn layers(source: &Source) -> Vec<String> {
    let layers = source.names("layers").into_iter().map(|name| format!("layers/{name}"));
    let all = ["X", "raw/X", "raw.X"].into_iter().map(str::to_owned).chain(layers);
    all.filter(|name| source.node(name).is_some_and(|node| holds_matrix(&node))).collect()
}

/// The layers that can be chosen, for messages.
fn others(there: &[String]) -> String {
    let found: Vec<&str> = there.iter().map(String::as_str).filter(|name| *name != "raw.X").collect();
    if found.is_empty() { String::new() } else { format!("; there are {} (choose with --layer)", found.join(", ")) }
}

/// The frame of genes that belongs to a matrix.
fn var(layer: &str) -> &str {
    match layer {
        "raw/X" => "raw/var",
        "raw.X" => "raw.var",
        _ => "var",
    }
}
