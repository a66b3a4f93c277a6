//! Long work for Python: a thread works, while the caller's thread, which lets go of the interpreter, looks for Ctrl-C and
//! tells how far the work is.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use ferrome_cli::{Kind, Trouble};
use ferrome_core::{
    host::{self, Host, Listener, Report},
    interrupt::Interrupt,
};
use pyo3::{
    Py, PyAny, PyErr, PyResult, Python,
    exceptions::{PyKeyboardInterrupt, PyUserWarning},
    types::PyAnyMethods,
};

use crate::{error, process};

/// How often the caller's thread looks around.
const LOOK: Duration = Duration::from_millis(50);
/// How often the progress callback is called at most.
const TELL: Duration = Duration::from_millis(100);
/// How long work that was asked to stop may finish what it has in hand; after that it ends by itself.
const GRACE: Duration = Duration::from_millis(200);

/// What the work said since the caller's thread looked last.
#[derive(Default)]
struct Ear {
    report: Mutex<Option<Report>>,
    said: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

impl Listener for Ear {
    fn report(&self, report: Report) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }

    fn say(&self, line: &str) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }

    fn warn(&self, line: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }
}

/// Runs `job` in a thread of its own and waits for it; `progress(done, total, message)` is called at most ten times a second.
///
/// # Errors
///
/// The job's error as an exception; `KeyboardInterrupt` within half a second of Ctrl-C; what the callback raises. The job is
/// asked to stop in the last two cases.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    job: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> PyResult<T> {
    process::refuse_fork()?;
    process::wait_for_left(py)?;
    let (ear, interrupt) = (Arc::new(Ear::default()), Interrupt::default());
    let host = Host { interrupt: interrupt.clone(), listener: Arc::<Ear>::clone(&ear) };
    let (tell, told) = bounded(1);
    // MKL's number of threads is one for the process: what the caller does with torch afterwards is not to be slower.
    let _threads = Threads(tch::get_num_threads());
    let thread = thread::Builder::new().name("ferrome".to_owned()).spawn(move || {
        // Nobody is left to hear of it where the caller was interrupted and did not wait.
        let _ = tell.send(host::within(host, job));
    })?;
    let mut caller = Caller { ear, progress, told_at: None };
    match caller.wait(py, &told) {
        Ok(result) => {
            py.detach(|| drop(thread.join()));
            caller.pass_on(py)?;
            result.map_err(error::exception)
        }
        Err(stop) => {
            interrupt.raise();
            let last = py.detach(|| told.recv_timeout(GRACE));
            process::leave(thread);
            Err(stopped(py, stop, last.ok().and_then(Result::err)))
        }
    }
}

// An interrupted run says what is done and how to go on.
fn stopped(py: Python<'_>, stop: PyErr, said: Option<Trouble>) -> PyErr {
    if !stop.is_instance_of::<PyKeyboardInterrupt>(py) {
        return stop;
    }
    match said {
        Some(trouble) if trouble.kind == Kind::Interrupted => PyKeyboardInterrupt::new_err(trouble.line),
        Some(_) => stop,
        None => PyKeyboardInterrupt::new_err(
            "interrupted: the batch in hand is still being finished; make the same call again",
        ),
    }
}

/// Gives torch its number of threads back.
struct Threads(i32);

impl Drop for Threads {
    fn drop(&mut self) {
        tch::set_num_threads(self.0);
    }
}

/// The caller's side of the work.
struct Caller {
    ear: Arc<Ear>,
    progress: Option<Py<PyAny>>,
    told_at: Option<Instant>,
}

impl Caller {
    fn wait<T: Send>(&mut self, py: Python<'_>, told: &Receiver<Result<T, Trouble>>) -> PyResult<Result<T, Trouble>> {
        loop {
            match py.detach(|| told.recv_timeout(LOOK)) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => {
                    let line = "a thread of ferrome panicked; what is done is kept".to_owned();
                    return Ok(Err(Trouble { kind: Kind::Defect, line }));
                }
                Err(RecvTimeoutError::Timeout) => {
                    py.check_signals()?;
                    if self.told_at.is_none_or(|at| at.elapsed() >= TELL) {
                        self.pass_on(py)?;
                    }
                }
            }
        }
    }

    /// Calls the progress callback with what is new, prints what was said and issues warnings.
    fn pass_on(&mut self, py: Python<'_>) -> PyResult<()> {
        let said = mem::take(&mut *self.ear.said.lock().unwrap_or_else(PoisonError::into_inner));
        for line in said {
            // A stream that is closed or does not write stops no work.
            let _ = print(py, &line);
        }
        let warnings = mem::take(&mut *self.ear.warnings.lock().unwrap_or_else(PoisonError::into_inner));
        for line in warnings {
            let line = std::ffi::CString::new(line.replace('\0', " "))?;
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &line, 2)?;
        }
        let report = self.ear.report.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(callback), Some(report)) = (&self.progress, report) {
            self.told_at = Some(Instant::now());
            callback.call1(py, (report.done, report.total, report.message))?;
        }
        Ok(())
    }
}

// On Python's stderr, which notebooks show and callers redirect; None where there is none.
fn print(py: Python<'_>, line: &str) -> PyResult<()> {
    let stderr = py.import("sys")?.getattr("stderr")?;
    if !stderr.is_none() {
        stderr.call_method1("write", (format!("{line}\n"),))?;
    }
    Ok(())
}
