//! Datasets of HDF5 that grow, and attributes.

use std::path::Path;

use arrow::error::ArrowError;
use hdf5_metno::types::VarLenUnicode;
use hdf5_metno::{Dataset, Group, H5Type, Location};

use crate::Error;

/// Numbers in a chunk.
const CHUNK: usize = 1 << 16;

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be written ({0})")]
    Hdf5(#[from] hdf5_metno::Error),
    #[error("{0}")]
    Arrow(#[from] ArrowError),
    #[error("h5ad cannot hold the text {0:?}, which has a zero byte")]
    Text(String),
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> Error {
        let text = self.to_string();
        Error::file(path, text.lines().next().unwrap_or_default())
    }
}

/// A one-dimensional dataset that grows.
pub(super) struct Append<T> {
    dataset: Option<Dataset>,
    length: usize,
    kind: std::marker::PhantomData<T>,
}

impl<T: H5Type> Append<T> {
    /// A dataset in `group`; numbers are compressed.
    pub(super) fn create(group: &Group, name: &str) -> Result<Self, Fault> {
        let builder = group.new_dataset_builder().chunk((CHUNK,));
        let builder = if T::type_descriptor().size() <= 8 { builder.shuffle().deflate(1) } else { builder };
        let dataset = builder.empty::<T>().shape((0..,)).create(name)?;
        Ok(Self { dataset: Some(dataset), length: 0, kind: std::marker::PhantomData })
    }

    /// A dataset that never gets a value.
    pub(super) fn nowhere() -> Self {
        Self { dataset: None, length: 0, kind: std::marker::PhantomData }
    }

    pub(super) fn append(&mut self, values: &[T]) -> Result<(), Fault> {
        let Some(dataset) = self.dataset.as_ref().filter(|_| !values.is_empty()) else { return Ok(()) };
        let end = self.length + values.len();
        dataset.resize((end,))?;
        dataset.write_slice(values, self.length..end)?;
        self.length = end;
        Ok(())
    }

    pub(super) fn dataset(&self) -> Option<&Dataset> {
        self.dataset.as_ref()
    }
}

/// The attributes by which anndata knows what something is.
pub(super) fn encoded(place: &Location, kind: &str, version: &str) -> Result<(), Fault> {
    for (name, value) in [("encoding-type", kind), ("encoding-version", version)] {
        place.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&text(value)?)?;
    }
    Ok(())
}

/// Text as HDF5 holds it.
pub(super) fn text(text: &str) -> Result<VarLenUnicode, Fault> {
    text.parse().map_err(|_| Fault::Text(text.to_owned()))
}
