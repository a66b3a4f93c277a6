//! `ferrome.protein`.

use std::{ffi::OsString, sync::Arc};

use ferrome_cli::{
    LoadArgs, Trouble, parse,
    protein::{
        embed::{self, Args, Given},
        pretrain,
    },
};
use ferrome_protein::{model::Resident, read::Protein};
use pyo3::{Bound, Py, PyAny, PyResult, Python, pyclass, pyfunction, pymethods};
use pyo3_arrow::PyTable;

use crate::{
    given,
    result::{self, VectorsInPython},
    work,
};

/// A protein model that stays loaded.
#[pyclass(frozen, module = "ferrome._core")]
pub(crate) struct ProteinModel(Arc<Resident>);

#[pymethods]
impl ProteinModel {
    /// Loads what ["--model", NAME, "--device", …] say.
    #[new]
    fn new(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<Self> {
        let load = || Ok(embed::load(&parse::<LoadArgs>(arguments)?)?);
        work::run(py, None, load).map(Self)
    }

    /// The keys of the model's configuration that matter to its user.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.0.open.config.num_hidden_layers, usize::try_from(self.0.open.config.hidden_size).unwrap_or(0))
    }
}

/// What is embedded: the arguments name files, or these are the proteins.
struct Job {
    arguments: Vec<OsString>,
    proteins: Option<Vec<Protein>>,
    model: Option<Arc<Resident>>,
}

impl Job {
    fn new(
        arguments: Vec<OsString>,
        sequences: Option<&Bound<'_, PyAny>>,
        columns: (&str, &str),
        model: Option<&ProteinModel>,
    ) -> PyResult<Self> {
        let proteins = sequences.map(|given| given::proteins(given, columns.0, columns.1)).transpose()?;
        Ok(Self { arguments, proteins, model: model.map(|model| Arc::clone(&model.0)) })
    }

    /// Embeds into what the arguments name.
    fn run(self) -> Result<(), Trouble> {
        let args: Args = parse(self.arguments)?;
        embed::embed(&args, Given { proteins: self.proteins, model: self.model })?;
        Ok(())
    }

    /// Embeds into a folder that is gone afterwards, and reads it.
    fn read<T>(mut self, read: impl FnOnce(&std::path::Path) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let folder = result::folder()?;
        let output: [OsString; 2] = ["--output".into(), folder.path().into()];
        self.arguments.splice(..0, output);
        self.run()?;
        read(folder.path())
    }
}

/// Embeds into the output that the arguments name, or returns a table.
#[expect(clippy::too_many_arguments, reason = "those of a Python function")]
#[pyfunction]
#[pyo3(signature = (arguments, sequences, columns, model, progress, output) -> "pyarrow.Table | None")]
pub(crate) fn protein_embed<'py>(
    py: Python<'py>,
    arguments: Vec<OsString>,
    sequences: Option<Bound<'py, PyAny>>,
    columns: (String, String),
    model: Option<Py<ProteinModel>>,
    progress: Option<Py<PyAny>>,
    output: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let job = Job::new(arguments, sequences.as_ref(), (&columns.0, &columns.1), model.as_ref().map(|m| m.get()))?;
    if output {
        work::run(py, progress, || job.run())?;
        return Ok(None);
    }
    let rows = work::run(py, progress, || job.read(result::rows))?;
    PyTable::try_new(rows.batches, rows.schema)?.into_pyarrow(py).map(Some)
}

/// Embeds, and returns the vectors and the rows that have none, with the reason.
#[pyfunction]
#[pyo3(signature = (arguments, sequences, columns, model, progress) -> "tuple[numpy.ndarray, list[tuple[int, str]]]")]
pub(crate) fn protein_vectors<'py>(
    py: Python<'py>,
    arguments: Vec<OsString>,
    sequences: Bound<'py, PyAny>,
    columns: (String, String),
    model: Option<Py<ProteinModel>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<VectorsInPython<'py>> {
    let job = Job::new(arguments, Some(&sequences), (&columns.0, &columns.1), model.as_ref().map(|m| m.get()))?;
    work::run(py, progress, || job.read(result::vectors))?.into_python(py)
}

/// Trains a model into the output that the arguments name.
#[pyfunction]
#[pyo3(signature = (arguments, sequences, column, config, progress))]
pub(crate) fn protein_pretrain(
    py: Python<'_>,
    arguments: Vec<OsString>,
    sequences: Option<Bound<'_, PyAny>>,
    column: &str,
    config: Option<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let proteins = sequences.map(|given| given::proteins(&given, column, "id")).transpose()?;
    work::run(py, progress, || {
        let args: pretrain::Args = parse(arguments)?;
        Ok(pretrain::pretrain(&args, pretrain::Given { proteins, config })?)
    })
}
