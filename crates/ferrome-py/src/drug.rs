//! `ferrome.drug`.

use std::ffi::OsString;

use ferrome_cli::{
    Trouble,
    drug::{
        self, Given,
        score::{self, LoadArgs},
    },
    parse,
};
use ferrome_drug::{read::Memory, task::score::Model};
use pyo3::{Bound, Py, PyAny, PyResult, Python, exceptions::PyValueError, pyclass, pyfunction, pymethods};
use pyo3_arrow::PyTable;

use crate::{error, result, work};

/// What messages, and the command lines of the package, call what is in memory.
const MOLECULES: &str = "molecules";
const TARGETS: &str = "targets";
const CONFIG: &str = "config";

/// A model of affinities that stays loaded.
#[pyclass(frozen, module = "ferrome._core")]
pub(crate) struct DrugModel(Model);

#[pymethods]
impl DrugModel {
    /// Loads what ["--model", NAME, "--device", …] say.
    #[new]
    fn new(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<Self> {
        let load = || Ok(score::load(&parse::<LoadArgs>(arguments)?)?);
        work::run(py, None, load).map(Self)
    }

    /// The folder.
    #[getter]
    fn path(&self) -> std::path::PathBuf {
        self.0.folder.path.clone()
    }
}

fn given(
    molecules: Option<PyTable>,
    targets: Option<PyTable>,
    model: Option<&Py<DrugModel>>,
    config: Option<String>,
) -> PyResult<Given> {
    let memory = |name: &'static str, table: Option<PyTable>| {
        let read = |table: PyTable| {
            let (batches, schema) = table.into_inner();
            Memory::new(name, schema, &batches).map_err(|error| PyValueError::new_err(format!("{name}: {error}")))
        };
        table.map(read).transpose()
    };
    Ok(Given {
        molecules: memory(MOLECULES, molecules)?,
        targets: memory(TARGETS, targets)?,
        model: model.map(|model| model.get().0.clone()),
        config,
    })
}

// Runs a subcommand, with what is not in a file.
fn compute(arguments: Vec<OsString>, given: &Given) -> Result<(), Trouble> {
    let there = [
        given.molecules.as_ref().map(|_| MOLECULES),
        given.targets.as_ref().map(|_| TARGETS),
        given.config.as_ref().map(|_| CONFIG),
    ];
    drug::call(arguments, given).map_err(|trouble| error::in_memory(trouble, there.into_iter().flatten()))
}

/// Runs a subcommand of drugs with tables instead of files.
#[expect(clippy::too_many_arguments, reason = "those of a Python function")]
#[pyfunction]
#[pyo3(signature = (arguments, molecules=None, targets=None, model=None, config=None, progress=None))]
pub(crate) fn drug_call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    molecules: Option<PyTable>,
    targets: Option<PyTable>,
    model: Option<Py<DrugModel>>,
    config: Option<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let given = given(molecules, targets, model.as_ref(), config)?;
    work::run(py, progress, move || compute(arguments, &given))
}

/// As `drug_call` without its `--output`; the table that it would write.
#[pyfunction]
#[pyo3(signature = (arguments, molecules=None, targets=None, model=None, progress=None) -> "pyarrow.Table")]
pub(crate) fn drug_table<'py>(
    py: Python<'py>,
    mut arguments: Vec<OsString>,
    molecules: Option<PyTable>,
    targets: Option<PyTable>,
    model: Option<Py<DrugModel>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let given = given(molecules, targets, model.as_ref(), None)?;
    let job = move || -> Result<_, Trouble> {
        let folder = result::folder()?;
        result::into(&mut arguments, folder.path());
        compute(arguments, &given)?;
        result::rows(folder.path())
    };
    let rows = work::run(py, progress, job)?;
    PyTable::try_new(rows.batches, rows.schema)?.into_pyarrow(py)
}
