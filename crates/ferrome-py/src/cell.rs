//! `ferrome.cell`.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use arrow::{array::RecordBatch, compute::concat_batches};
use ferrome_cell::{
    read::memory::{self, Counts, Data, Layer, Matrix, Table},
    task::Resident,
};
use ferrome_cli::{
    LoadArgs, Trouble,
    cell::{self, Given, embed},
    parse,
};
use pyo3::{
    Bound, Py, PyAny, PyResult, Python,
    exceptions::{PyTypeError, PyValueError},
    pyclass, pyfunction, pymethods,
};
use pyo3_arrow::{PyArray, PyTable};

use crate::{
    error,
    result::{self, VectorsInPython},
    work,
};

/// What messages, and the command lines of the package, call it.
const ANNDATA: &str = "AnnData";

/// A Geneformer or scGPT that stays loaded.
#[pyclass(frozen, module = "ferrome._core")]
pub(crate) struct CellModel(Arc<Resident>);

#[pymethods]
impl CellModel {
    /// Loads what ["--model", NAME, "--device", …] say.
    #[new]
    fn new(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<Self> {
        let load = || Ok(embed::load(&parse::<LoadArgs>(arguments)?)?);
        work::run(py, None, load).map(Self)
    }

    /// Number of blocks, and width of a vector.
    #[getter]
    fn shape(&self) -> (usize, i64) {
        (self.0.open.blocks(), self.0.open.width())
    }

    /// Whose model it is.
    #[getter]
    fn family(&self) -> String {
        self.0.open.family().to_string()
    }
}

/// An AnnData whose arrays are read where they are.
#[pyclass(frozen, module = "ferrome._core")]
pub(crate) struct Cells(Arc<Data>);

/// The name of a matrix, its `var`, `indptr` and `indices` of a sparse one, its values, and its columns.
type Numbers = (String, PyTable, Option<(PyArray, PyArray)>, PyArray, usize);

#[pymethods]
impl Cells {
    /// `obs`, whose first column has the names of the cells (as in `var`), the matrices, and the file that backs them instead.
    #[new]
    fn new(obs: PyTable, layers: Vec<Numbers>, file: Option<PathBuf>) -> PyResult<Self> {
        let layer = |(name, var, sparse, values, columns): Numbers| {
            let wrong = |what: String| PyTypeError::new_err(format!("AnnData: {name}: {what}"));
            let values = Arc::clone(values.array());
            let matrix = match sparse {
                Some((starts, genes)) => {
                    Matrix::sparse(Arc::clone(starts.array()), Arc::clone(genes.array()), values, columns)
                }
                None => Matrix::dense(values, columns),
            };
            Ok(Layer { matrix: matrix.map_err(wrong)?, genes: Arc::new(frame(var)?), name })
        };
        let layers = layers.into_iter().map(layer).collect::<PyResult<_>>()?;
        let counts = file.map_or(Counts::Layers(layers), Counts::File);
        Ok(Self(Arc::new(Data { name: ANNDATA.into(), cells: frame(obs)?, counts })))
    }
}

fn frame(table: PyTable) -> PyResult<Table> {
    let wrong = |error: &dyn std::fmt::Display| PyValueError::new_err(format!("AnnData: {error}"));
    let (batches, schema) = table.into_inner();
    let whole: RecordBatch = concat_batches(&schema, &batches).map_err(|error| wrong(&error))?;
    Table::new(&whole).map_err(|error| wrong(&error))
}

/// The matrices to look at, of those that are there.
#[pyfunction]
#[pyo3(signature = (there, layer=None))]
pub(crate) fn cell_layers(there: Vec<String>, layer: Option<&str>) -> PyResult<Vec<String>> {
    memory::candidates(&there, layer).map_err(|what| PyValueError::new_err(format!("AnnData: {what}")))
}

/// A subcommand, and what Python gives it.
struct Job {
    arguments: Vec<OsString>,
    given: Given,
}

impl Job {
    fn new(arguments: Vec<OsString>, cells: Option<&Cells>, model: Option<&CellModel>) -> Self {
        let (cells, model) = (cells.map(|cells| Arc::clone(&cells.0)), model.map(|model| Arc::clone(&model.0)));
        Self { arguments, given: Given { cells, model } }
    }

    fn run(self) -> Result<(), Trouble> {
        let there = self.given.cells.as_ref().map(|_| ANNDATA);
        cell::call(self.arguments, self.given).map_err(|trouble| error::in_memory(trouble, there.into_iter()))
    }

    /// Runs into a folder that is gone afterwards, and reads it.
    fn read<T>(mut self, read: impl FnOnce(&std::path::Path) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let folder = result::folder()?;
        result::into(&mut self.arguments, folder.path());
        self.run()?;
        read(folder.path())
    }
}

/// Runs a subcommand of cells with an AnnData.
#[pyfunction]
#[pyo3(signature = (arguments, cells=None, model=None, progress=None))]
pub(crate) fn cell_call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    cells: Option<Py<Cells>>,
    model: Option<Py<CellModel>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let job = Job::new(arguments, cells.as_ref().map(|c| c.get()), model.as_ref().map(|m| m.get()));
    work::run(py, progress, || job.run())
}

/// As `cell_call` without its `--output`; the table that it would write.
#[pyfunction]
#[pyo3(signature = (arguments, cells=None, model=None, progress=None) -> "pyarrow.Table")]
pub(crate) fn cell_table(
    py: Python<'_>,
    arguments: Vec<OsString>,
    cells: Option<Py<Cells>>,
    model: Option<Py<CellModel>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyAny>> {
    let job = Job::new(arguments, cells.as_ref().map(|c| c.get()), model.as_ref().map(|m| m.get()));
    let rows = work::run(py, progress, || job.read(result::rows))?;
    PyTable::try_new(rows.batches, rows.schema)?.into_pyarrow(py)
}

/// As `cell_table`: the vectors, and the rows that have none, with the reason.
#[pyfunction]
#[pyo3(signature = (arguments, cells=None, model=None, progress=None) -> "tuple[numpy.ndarray, list[tuple[int, str]]]")]
pub(crate) fn cell_vectors<'py>(
    py: Python<'py>,
    arguments: Vec<OsString>,
    cells: Option<Py<Cells>>,
    model: Option<Py<CellModel>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<VectorsInPython<'py>> {
    let job = Job::new(arguments, cells.as_ref().map(|c| c.get()), model.as_ref().map(|m| m.get()));
    work::run(py, progress, || job.read(result::vectors))?.into_python(py)
}
