//! Which exception an error becomes; its text is the line that the command prints.

use ferrome_cli::{Kind, Trouble};
use pyo3::{
    PyErr, create_exception,
    exceptions::{
        PyFileExistsError, PyFileNotFoundError, PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyValueError,
    },
};

create_exception!(ferrome, WeightsError, PyValueError, "A file of weights is damaged, or not what the model needs.");
create_exception!(ferrome, DeviceError, PyRuntimeError, "A device is not there, or does not do what is asked.");
create_exception!(ferrome, InternalError, PyRuntimeError, "A defect of ferrome.");

/// Trouble with what is in memory under these names: a name is no path, so nothing is missing.
pub(crate) fn in_memory(trouble: Trouble, mut names: impl Iterator<Item = &'static str>) -> Trouble {
    let named = |name: &str| trouble.line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "));
    let kind = if trouble.kind == Kind::Missing && names.any(named) { Kind::Input } else { trouble.kind };
    Trouble { kind, ..trouble }
}

/// The exception of a subcommand's error.
pub(crate) fn exception(trouble: Trouble) -> PyErr {
    let line = trouble.line;
    match trouble.kind {
        Kind::Missing => PyFileNotFoundError::new_err(line),
        Kind::Exists => PyFileExistsError::new_err(line),
        Kind::Weights => WeightsError::new_err(line),
        Kind::Device => DeviceError::new_err(line),
        Kind::System => PyOSError::new_err(line),
        Kind::Defect => InternalError::new_err(line),
        Kind::Interrupted => PyKeyboardInterrupt::new_err(line),
        _ => PyValueError::new_err(line),
    }
}
