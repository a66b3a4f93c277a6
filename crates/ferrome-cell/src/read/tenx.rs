//! 10x Genomics' `.h5` of Cell Ranger: version 3 (`matrix/features`), and version 2 (a group for each genome).

mod genomes;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};

use super::choose::choose;
use super::genes::genes;
use super::hdf5::{Node, Numbers, Source, Stored};
use super::matrix::Matrix;
use super::obs::{Column, Frame, Parts};
use super::storage::Storage;
use super::{CellReader, Header, ReadOptions};
use crate::Result;
use crate::cells::Genes;

/// What belongs to the matrix itself, in its group.
const PARTS: [&str; 8] = ["data", "indices", "indptr", "shape", "barcodes", "features", "genes", "gene_names"];

/// Whether the file looks like one of Cell Ranger.
pub(super) fn is_tenx(source: &Source) -> bool {
    !matrices(source).is_empty()
}

/// The groups that hold a matrix.
fn matrices(source: &Source) -> Vec<String> {
    let is_matrix = |name: &String| {
        let has = |part: &str| source.node(&format!("{name}/{part}")).is_some();
        has("indptr") && has("barcodes") && (has("features") || has("genes"))
    };
    source.names("").into_iter().filter(is_matrix).collect()
}

/// Opens a file of Cell Ranger.
pub(super) fn open(source: &Source, options: &ReadOptions) -> Result<Box<dyn CellReader>> {
    let all = matrices(source);
    let names = match options.layer.as_deref() {
        None | Some("X") => all,
        Some(layer) if all.iter().any(|name| name == layer) => vec![layer.to_owned()],
        Some(layer) => {
            return Err(source.wrong("", format!("there is no matrix {layer}; there are {}", all.join(", "))));
        }
    };
    let [name] = &names[..] else { return genomes::open(source, &names, options) };
    let chosen = choose(source.path(), &names, options, |name| storage(source, name))?;
    let storage = chosen.storage;
    let obs = obs(source, name)?;
    let header = Header {
        genes: var(source, name)?,
        cells: Some(storage.cells),
        nonzeros: storage.nonzeros(),
        obs: obs.schema().clone(),
        layer: name.clone(),
        kind: chosen.kind,
        format: format(source, name),
    };
    check(source, name, &storage, &header.genes, &obs)?;
    Ok(Box::new(Matrix::new(source.path().to_owned(), header, storage.into_rows(options)?, obs)))
}

fn format(source: &Source, name: &str) -> &'static str {
    if has_features(source, name) { "10x h5 v3" } else { "10x h5 v2" }
}

fn has_features(source: &Source, name: &str) -> bool {
    source.node(&format!("{name}/features")).is_some()
}

/// The matrix in the group `name`: what 10x stores column by column has genes as rows, so it is stored by cell.
fn storage(source: &Source, name: &str) -> Result<Storage> {
    let mut shape = Stored::open(source, &format!("{name}/shape"))?;
    let mut numbers = Numbers::none(shape.number()?);
    shape.read(0..shape.len(), &mut numbers.bytes)?;
    match numbers.offsets().as_deref() {
        Some(&[genes, cells]) => Storage::sparse(source, name, true, (cells, genes)),
        _ => Err(shape.wrong("expected the number of genes and of barcodes")),
    }
}

/// Barcodes, and whatever else has a value for each of them.
fn obs(source: &Source, name: &str) -> Result<Frame> {
    let index = Column::open(source, &format!("{name}/barcodes"))?;
    columns(source, name, &PARTS, index)
}

/// Ids, names and types of features.
fn var(source: &Source, name: &str) -> Result<Genes> {
    if has_features(source, name) {
        let group = format!("{name}/features");
        let index = Column::open(source, &format!("{group}/id"))?;
        return genes(&mut columns(source, &group, &["id"], index)?);
    }
    let index = Column::open(source, &format!("{name}/genes"))?;
    let mut parts = Parts::default();
    parts.add(source, &format!("{name}/gene_names"), "gene_name");
    let genome: StringArray = (0..index.len()).map(|_| Some(name)).collect();
    parts.memory("genome", Arc::new(genome) as ArrayRef);
    genes(&mut parts.finish(index).map_err(|what| source.wrong(name, what))?)
}

/// The arrays in a group that are as long as `index`, as a frame.
fn columns(source: &Source, group: &str, without: &[&str], index: Column) -> Result<Frame> {
    let mut parts = Parts::default();
    for member in source.names(group).iter().filter(|member| !without.contains(&member.as_str())) {
        let place = format!("{group}/{member}");
        let Some(Node::Dataset(dataset)) = source.node(&place) else { continue };
        if dataset.shape() == [index.len() as usize] {
            parts.add(source, &place, member);
        }
    }
    parts.finish(index).map_err(|what| source.wrong(group, what))
}

/// Whether the matrix has as many cells and genes as there are barcodes and features.
fn check(source: &Source, name: &str, storage: &Storage, genes: &Genes, obs: &Frame) -> Result<()> {
    if (storage.cells, storage.genes) == (obs.len(), genes.len() as u64) {
        return Ok(());
    }
    let (cells, features) = (storage.cells, storage.genes);
    let what =
        format!("has {cells} cells and {features} genes, but {} barcodes and {} features", obs.len(), genes.len());
    Err(source.wrong(name, what))
}
