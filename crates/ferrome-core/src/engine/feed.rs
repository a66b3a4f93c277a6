//! The feeder: reads windows, skips those that are done, and hands out the batches of the others.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::control::{Control, Message, Opened};
use super::lane::Batch;
use super::plan::{Plan, Remembered, digest};
use super::verify::{Made, refuse_surplus};
use super::window::{Window, Windows};
use super::{BoxError, Options, Task, spill};
use crate::journal::Workplace;
use crate::{Error, Result};

/// How often a waiting feeder looks whether the run goes on.
const PATIENCE: Duration = Duration::from_millis(50);

/// The feeder's view of the run.
pub(super) struct Feeder<'a, T: Task> {
    pub(super) task: &'a T,
    pub(super) options: &'a Options,
    pub(super) place: &'a Workplace,
    pub(super) control: &'a Control,
    pub(super) queue: Sender<Batch<T::Item>>,
    pub(super) messages: Sender<Message>,
    /// One permit for each window that may be in work.
    pub(super) permits: Receiver<()>,
}

impl<T: Task> Feeder<'_, T> {
    /// Feeds the lanes until the input ends or the run stops.
    pub(super) fn run<R: Iterator<Item = Result<T::Record, BoxError>>>(self, records: R) {
        if let Err(error) = self.feed(records) {
            self.control.fail(error);
        }
    }

    fn feed<R: Iterator<Item = Result<T::Record, BoxError>>>(&self, records: R) -> Result<()> {
        let mut windows = Windows::new(self.task, self.options, records);
        let mut remembered = Remembered::default();
        let mut permitted = false;
        let mut count = 0;
        loop {
            permitted = permitted || self.permit();
            if !permitted {
                return Ok(());
            }
            let Some(window) = windows.next(|| self.control.stopped())? else { break };
            count = window.number + 1;
            self.refuse_rejected(&window)?;
            // A part that is done keeps the permit for the next window.
            permitted = self.open(window, &mut remembered)?;
        }
        if self.control.stopped() {
            return Ok(());
        }
        refuse_surplus(self.place, count)?;
        self.tell(Message::Ended);
        Ok(())
    }

    /// Waits until one more window may be in work; `false` when the run stops.
    fn permit(&self) -> bool {
        while !self.control.stopped() {
            match self.permits.recv_timeout(PATIENCE) {
                Ok(()) => return true,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        false
    }

    fn tell(&self, message: Message) {
        // The assembler is gone only when the run has failed.
        let _ = self.messages.send(message);
    }

    /// Brings a window into work; returns whether there was nothing to do.
    fn open(&self, window: Window<T>, remembered: &mut Remembered) -> Result<bool> {
        let (number, last, window_digest) = (window.number, window.last, window.digest(self.task));
        let rows = window.rows.len();
        let plan = remembered.plan(self.task, self.options, window);
        if let Some(record) = self.place.finished(number)? {
            Made { number, rows, last, digest: window_digest }.verify(self.place, &record, self.options.strict)?;
            self.tell(Message::Skipped(number, record));
            return Ok(true);
        }
        let Plan { records, sources, batches, statistics } = plan;
        let references: Vec<&T::Record> = records.iter().collect();
        let described = self.task.describe(&references)?;
        let names = records.iter().map(|record| self.task.name(record).to_owned()).collect();
        let digests: Vec<u128> = batches.iter().map(|batch| digest(&self.place.description, batch)).collect();
        drop(records);
        self.tell(Message::Opened(Box::new(Opened {
            part: number,
            last,
            digest: window_digest,
            names,
            described,
            sources,
            batches: digests.clone(),
            statistics,
            arrived_rows: 0,
        })));
        for (batch, (inputs, digest)) in batches.into_iter().zip(digests).enumerate() {
            let path = self.place.spill(number, batch);
            if spill::read(&path, digest)?.is_some() {
                self.tell(Message::Adopted { part: number, rows: inputs.len() as u64 });
            } else if self.queue.send(Batch { part: number, inputs, digest, path }).is_err() {
                // All lanes have stopped.
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Stops a strict run at the first rejected row.
    fn refuse_rejected(&self, window: &Window<T>) -> Result<()> {
        let rejected = window.rows.iter().find_map(|row| row.item.as_ref().err().map(|rejection| (row, rejection)));
        match rejected {
            Some((row, rejection)) if self.options.strict => {
                Err(Error::Rejected { name: self.task.name(&row.record).to_owned(), reason: rejection.reason.clone() })
            }
            _ => Ok(()),
        }
    }
}
