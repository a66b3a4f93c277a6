//! The assembler: follows the windows in work, and writes their parts in order.

use std::collections::BTreeMap;

use crossbeam_channel::{Receiver, Sender};

use super::control::{Control, Message, Opened};
use super::part;
use crate::Result;
use crate::journal::{PartRecord, Statistics, Workplace};
use crate::progress::Progress;
use crate::table::Columns;

/// A window that has no part yet, or whose turn has not come.
enum Pending {
    /// Batches are missing.
    Open(Box<Opened>, usize),
    /// An earlier run wrote its part.
    Skipped(PartRecord),
}

/// What the assembler knows of the run.
pub(super) struct Assembler<'a> {
    place: &'a Workplace,
    columns: &'a Columns,
    control: &'a Control,
    permits: Sender<()>,
    progress: Progress,
    windows: BTreeMap<usize, Pending>,
    next: usize,
    done: Done,
}

/// What was done when the assembler stopped.
#[derive(Default)]
pub(super) struct Done {
    /// Of all finished parts.
    pub(super) statistics: Statistics,
    /// Rows of parts that an earlier run had finished.
    pub(super) resumed_rows: u64,
    /// Tokens that this run computed.
    pub(super) computed_tokens: u64,
    /// Rows that are computed, but not yet in a finished part.
    pub(super) loose_rows: u64,
    /// The input ended, and all of its parts are finished.
    pub(super) complete: bool,
    /// An earlier run had finished the output.
    pub(super) merged: bool,
}

impl<'a> Assembler<'a> {
    /// `permits` must have room for `windows` permits, the windows that may be in work at once.
    pub(super) fn new(
        place: &'a Workplace,
        columns: &'a Columns,
        control: &'a Control,
        permits: Sender<()>,
        progress: Progress,
    ) -> Self {
        Self { place, columns, control, permits, progress, windows: BTreeMap::new(), next: 0, done: Done::default() }
    }

    /// Follows the run until feeder and lanes have stopped.
    pub(super) fn run(mut self, messages: &Receiver<Message>) -> Done {
        let (mut ended, mut broken) = (false, false);
        for message in messages {
            ended |= matches!(message, Message::Ended);
            self.note(message);
            if !broken && let Err(error) = self.advance() {
                self.control.fail(error);
                broken = true;
            }
        }
        self.done.complete = ended && !broken && self.windows.is_empty();
        if self.done.complete {
            self.progress.completed();
        }
        self.progress.finish();
        self.done
    }

    fn note(&mut self, message: Message) {
        match message {
            Message::Opened(opened) => {
                let missing = opened.batches.len();
                self.windows.insert(opened.part, Pending::Open(opened, missing));
            }
            Message::Skipped(part, record) => {
                self.windows.insert(part, Pending::Skipped(record));
            }
            Message::Computed { part, rows, tokens } => {
                self.done.computed_tokens += tokens;
                self.arrived(part, rows);
                self.progress.computed(rows, tokens);
            }
            Message::Adopted { part, rows } => self.arrived(part, rows),
            Message::Ended => {}
        }
    }

    fn arrived(&mut self, part: usize, rows: u64) {
        self.done.loose_rows += rows;
        if let Some(Pending::Open(opened, missing)) = self.windows.get_mut(&part) {
            *missing = missing.saturating_sub(1);
            opened.arrived_rows += rows;
        }
    }

    /// Writes the parts whose turn has come.
    fn advance(&mut self) -> Result<()> {
        while self.windows.get(&self.next).is_some_and(Pending::is_ready) {
            let Some(pending) = self.windows.remove(&self.next) else { break };
            self.next += 1;
            match pending {
                Pending::Skipped(record) => {
                    self.done.resumed_rows += record.statistics.rows;
                    self.finished(&record, true);
                }
                Pending::Open(opened, _) => {
                    let record = part::write(self.place, self.columns, &opened)?;
                    self.done.loose_rows = self.done.loose_rows.saturating_sub(opened.arrived_rows);
                    self.finished(&record, false);
                    // The feeder is gone when the input has ended.
                    let _ = self.permits.send(());
                }
            }
        }
        Ok(())
    }

    fn finished(&mut self, record: &PartRecord, resumed: bool) {
        self.done.statistics.add(&record.statistics);
        self.progress.finished(&self.done.statistics, resumed);
    }
}

impl Pending {
    fn is_ready(&self) -> bool {
        match self {
            Self::Open(_, missing) => *missing == 0,
            Self::Skipped(_) => true,
        }
    }
}
