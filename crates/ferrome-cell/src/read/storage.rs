//! A matrix in an HDF5 file: what it is, before its rows are read.

use super::ReadOptions;
use super::choose::Candidate;
use super::hdf5::{Attributes, Node, Number, Numbers, Source, Stored};
use super::rows::{ByGene, Csc, Csr, Cut, Dense, Offsets, Rows};
use crate::Result;

/// Stored entries at the beginning of a matrix by which it is judged whether it holds counts.
pub(super) const SAMPLE: u64 = 1_000_000;

/// A matrix of cells by genes, in one of the ways it may be stored.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) cells: u64,
    pub(super) genes: u64,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Sparse(Box<Sparse>),
    Dense(Box<Dense>),
}

#[derive(Debug)]
struct Sparse {
    /// Whether cell by cell; otherwise gene by gene.
    by_cell: bool,
    offsets: Stored,
    indices: Stored,
    values: Stored,
}

impl Storage {
    /// The matrix `name`, with its rows as cells.
    pub(super) fn open(source: &Source, name: &str) -> Result<Self> {
        match source.node(name) {
            Some(Node::Group(group)) => {
                let format = group.text("encoding-type").or_else(|| group.text("h5sparse_format"));
                let by_cell = match format.as_deref() {
                    Some("csr_matrix" | "csr") => true,
                    Some("csc_matrix" | "csc") => false,
                    other => {
                        let found = other.unwrap_or("nothing");
                        return Err(source.wrong(name, format!("expected csr_matrix or csc_matrix, found {found}")));
                    }
                };
                let shape = group.integers("shape").or_else(|| group.integers("h5sparse_shape")).unwrap_or_default();
                let [cells, genes] = shape[..] else {
                    return Err(source.wrong(name, "the sparse matrix does not say its shape"));
                };
                Self::sparse(source, name, by_cell, (cells as u64, genes as u64))
            }
            Some(Node::Dataset(_)) => Self::dense(source, name, 0),
            None => Err(source.wrong(name, "there is no such matrix")),
        }
    }

    /// The sparse matrix of `data`, `indices` and `indptr` in the group `name`.
    pub(super) fn sparse(source: &Source, name: &str, by_cell: bool, (cells, genes): (u64, u64)) -> Result<Self> {
        let open = |part: &str| Stored::open(source, &format!("{name}/{part}"));
        let (offsets, indices, values) = (open("indptr")?, open("indices")?, open("data")?);
        if indices.shape().len() != 1 || indices.shape() != values.shape() {
            let (found, expected) = (indices.shape(), values.shape());
            return Err(indices.wrong(format!("has shape {found:?}, but data has {expected:?}")));
        }
        if genes >= u64::from(u32::MAX) || cells >= 1 << 40 {
            return Err(
                source.wrong(name, format!("has {cells} cells and {genes} genes, which is beyond what is read"))
            );
        }
        Ok(Self { cells, genes, layout: Layout::Sparse(Box::new(Sparse { by_cell, offsets, indices, values })) })
    }

    /// The array `name`, whose axis `axis` is that of cells.
    pub(super) fn dense(source: &Source, name: &str, axis: usize) -> Result<Self> {
        let dense = Dense::new(Stored::open(source, name)?, axis)?;
        Ok(Self { cells: dense.cells(), genes: dense.genes(), layout: Layout::Dense(Box::new(dense)) })
    }

    /// Stored entries, where the file says it.
    pub(super) fn nonzeros(&self) -> Option<u64> {
        match &self.layout {
            Layout::Sparse(sparse) => Some(sparse.values.len()),
            Layout::Dense(_) => None,
        }
    }

    /// How it is stored.
    pub(super) fn format(&self) -> &'static str {
        match &self.layout {
            Layout::Sparse(sparse) if sparse.by_cell => "CSR",
            Layout::Sparse(_) => "CSC",
            Layout::Dense(_) => "dense",
        }
    }

    /// Its rows.
    pub(super) fn into_rows(self, options: &ReadOptions) -> Result<Box<dyn Rows>> {
        let sparse = match self.layout {
            Layout::Dense(dense) => return Ok(Box::new(Cut::new(*dense))),
            Layout::Sparse(sparse) => sparse,
        };
        let Sparse { by_cell, offsets, indices, values } = *sparse;
        if by_cell {
            let offsets = Offsets::new(offsets, self.cells, values.len())?;
            return Ok(Box::new(Csr::new(offsets, indices, values)?));
        }
        let offsets = Offsets::new(offsets, self.genes, values.len())?;
        let scratch = options.scratch.clone();
        Ok(Box::new(Cut::new(Csc::new(ByGene { cells: self.cells, offsets, indices, values, scratch }))))
    }
}

impl Candidate for Storage {
    fn number(&self) -> Result<Number> {
        match &self.layout {
            Layout::Sparse(sparse) => sparse.values.number(),
            Layout::Dense(dense) => Ok(dense.number()),
        }
    }

    fn sample(&mut self) -> Result<Numbers> {
        match &mut self.layout {
            Layout::Sparse(sparse) => {
                let values = &mut sparse.values;
                let mut numbers = Numbers::none(values.number()?);
                values.read(0..values.len().min(SAMPLE), &mut numbers.bytes)?;
                Ok(numbers)
            }
            Layout::Dense(dense) => dense.sample(4 * SAMPLE),
        }
    }
}
