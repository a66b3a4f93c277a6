//! What holds for the whole process: the one that imported the module is the only one that may use it, and it ends only when
//! its threads have.

use std::{
    process,
    sync::{Mutex, OnceLock, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use pyo3::{PyResult, Python, exceptions::PyRuntimeError, pyfunction};

static PROCESS: OnceLock<u32> = OnceLock::new();

/// Threads whose caller did not wait for them.
static LEFT: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Remembers which process imported the module.
pub(crate) fn remember() {
    PROCESS.get_or_init(process::id);
}

/// Refuses a child that was forked: libtorch's and ferrome's threads are not there any more, and their locks may be held for
/// ever.
pub(crate) fn refuse_fork() -> PyResult<()> {
    let (own, now) = (PROCESS.get_or_init(process::id), process::id());
    if *own == now {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(format!(
        "ferrome was imported by process {own} and cannot be used in its fork {now}: start workers by \"spawn\" or \
         \"forkserver\" (multiprocessing.get_context(\"spawn\")), or import ferrome in the worker only"
    )))
}

/// Leaves a thread that will soon end.
pub(crate) fn leave(thread: JoinHandle<()>) {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
}

/// Waits for the threads that callers left, and looks for Ctrl-C meanwhile: what they hold, such as the lock of an output, is
/// free after that.
pub(crate) fn wait_for_left(py: Python<'_>) -> PyResult<()> {
    loop {
        {
            let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
            left.retain(|thread| !thread.is_finished());
            if left.is_empty() {
                return Ok(());
            }
        }
        py.detach(|| thread::sleep(Duration::from_millis(20)));
        py.check_signals()?;
    }
}

/// Waits for threads that were interrupted and are still in their last batch; registered to be called at exit.
#[pyfunction]
pub(crate) fn finish(py: Python<'_>) -> PyResult<()> {
    if PROCESS.get() == Some(&process::id()) { wait_for_left(py) } else { Ok(()) }
}
