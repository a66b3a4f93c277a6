//! Stopping a run from outside, without losing what is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// A flag that asks a run to stop at the next batch; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that the first Ctrl-C, SIGTERM or SIGHUP raises; the second one ends the process with exit code 130.
    ///
    /// # Errors
    ///
    /// The process has such a handler already.
    pub fn on_signal() -> Result<Self> {
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
    fn clones_share_the_flag_and_signals_are_caught_once() {
        let interrupt = Interrupt::on_signal().unwrap();
        let clone = interrupt.clone();
        assert!(!clone.is_raised());
        interrupt.raise();
        assert!(clone.is_raised());
        assert_eq!(
            Interrupt::on_signal().unwrap_err().to_string(),
            "cannot catch Ctrl-C: another handler is registered"
        );
    }
}
