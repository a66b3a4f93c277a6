//! Stopping a run from outside, without losing what is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, Result, host};

/// A flag that asks a run to stop at the next batch; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// The process's flag, which the first Ctrl-C, SIGTERM or SIGHUP raises; the second one ends the process with exit
    /// code 130. Inside another program, that program's flag for this job: see [`crate::host`].
    ///
    /// # Errors
    ///
    /// Another library of the process has such a handler already.
    pub fn on_signal() -> Result<Self> {
        if let Some(host) = host::current() {
            return Ok(host.interrupt);
        }
        static PROCESS: Mutex<Option<Interrupt>> = Mutex::new(None);
        let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupt) = &*process {
            return Ok(interrupt.clone());
        }
        let interrupt = Self::default();
        let raised = interrupt.clone();
        let handler = move || {
            if raised.0.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        };
        ctrlc::set_handler(handler).map_err(|error| match error {
            ctrlc::Error::MultipleHandlers => Error::Signal("another handler is registered".to_owned()),
            error => Error::Signal(error.to_string()),
        })?;
        *process = Some(interrupt.clone());
        Ok(interrupt)
    }

    /// Asks the run to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether someone asked the run to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag_and_all_jobs_of_a_process_share_it() {
        let interrupt = Interrupt::on_signal().unwrap();
        let clone = interrupt.clone();
        assert!(!clone.is_raised());
        interrupt.raise();
        assert!(clone.is_raised());
        assert!(Interrupt::on_signal().unwrap().is_raised(), "the process has one flag");
    }
}
