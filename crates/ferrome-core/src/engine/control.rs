//! What the threads of a run tell each other.

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;

use super::plan::Source;
use crate::Error;
use crate::interrupt::Interrupt;
use crate::journal::{PartRecord, Statistics};

/// Whether the run goes on, and why not.
pub(super) struct Control {
    interrupt: Interrupt,
    failure: Mutex<Option<Error>>,
}

impl Control {
    pub(super) fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, failure: Mutex::new(None) }
    }

    /// Stops the run; the first error is the one that counts.
    pub(super) fn fail(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Whether no more batches are to be computed.
    pub(super) fn stopped(&self) -> bool {
        self.interrupt.is_raised() || self.failed()
    }

    /// Whether an error stopped the run.
    pub(super) fn failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The error that stopped the run.
    pub(super) fn failure(self) -> Option<Error> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the feeder and the lanes tell the assembler.
pub(super) enum Message {
    /// A window is in work.
    Opened(Box<Opened>),
    /// A window's part was finished by an earlier run.
    Skipped(usize, PartRecord),
    /// A batch of a part was computed and spilled.
    Computed { part: usize, rows: u64, tokens: u64 },
    /// A batch of a part was computed and spilled by an earlier run.
    Adopted { part: usize, rows: u64 },
    /// The input ended, and all of it is in work.
    Ended,
}

/// A window in work, as the assembler needs it.
pub(super) struct Opened {
    pub(super) part: usize,
    pub(super) last: bool,
    pub(super) digest: u128,
    /// One for each row.
    pub(super) names: Vec<String>,
    /// The columns that are known without the model.
    pub(super) described: RecordBatch,
    /// One for each row.
    pub(super) sources: Vec<Source>,
    /// What each batch is made from.
    pub(super) batches: Vec<u128>,
    /// Token counts.
    pub(super) statistics: Statistics,
    /// Rows of the batches that are there.
    pub(super) arrived_rows: u64,
}
