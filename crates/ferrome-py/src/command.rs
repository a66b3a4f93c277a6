//! The whole command line, for the console script and for functions that take paths and give files.

use std::ffi::OsString;

use pyo3::{
    Bound, Py, PyAny, PyResult, Python, pyfunction,
    types::{PyDict, PyDictMethods},
};

use pyo3_arrow::PyTable;

use crate::{result, work};

/// Runs `ferrome` with these arguments, the program's name first, and ends the process with its exit code. Catches Ctrl-C.
#[pyfunction]
#[pyo3(signature = (arguments) -> "typing.NoReturn")]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<()> {
    py.detach(|| ferrome_cli::end(ferrome_cli::run(arguments)))
}

/// Runs a subcommand, such as ["cell", "tokenize", "cells.h5ad", "-o", "tokens/"]; an error becomes an exception.
#[pyfunction]
#[pyo3(signature = (arguments, progress=None))]
pub(crate) fn call(py: Python<'_>, arguments: Vec<OsString>, progress: Option<Py<PyAny>>) -> PyResult<()> {
    work::run(py, progress, move || ferrome_cli::call(arguments))
}

/// Runs a subcommand that writes a table, without its `--output`, and returns the table as `pyarrow.Table`.
#[pyfunction]
#[pyo3(signature = (arguments, progress=None) -> "pyarrow.Table")]
pub(crate) fn table(
    py: Python<'_>,
    mut arguments: Vec<OsString>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyAny>> {
    let job = || {
        let folder = result::folder()?;
        result::into(&mut arguments, folder.path());
        ferrome_cli::call(arguments)?;
        result::rows(folder.path())
    };
    let rows = work::run(py, progress, job)?;
    PyTable::try_new(rows.batches, rows.schema)?.into_pyarrow(py)
}

/// The options of a subcommand, such as ["protein", "embed"], and what they are where nothing is given: a flag is False, and
/// an option without a default is None.
#[pyfunction]
pub(crate) fn definition<'py>(py: Python<'py>, path: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
    let mut command = &ferrome_cli::definition();
    for name in &path {
        command = command
            .find_subcommand(name)
            .ok_or_else(|| pyo3::exceptions::PyValueError::new_err(format!("no subcommand `{name}`")))?;
    }
    let options = PyDict::new(py);
    for option in command.get_arguments() {
        let defaults: Vec<_> = option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !option.get_action().takes_values() {
            options.set_item(option.get_id().as_str(), false)?;
        } else if defaults.is_empty() {
            options.set_item(option.get_id().as_str(), py.None())?;
        } else {
            options.set_item(option.get_id().as_str(), defaults.join(","))?;
        }
    }
    Ok(options)
}
