//! Reading: rows are tokenized in parallel and cut, in order, into windows.

use std::collections::VecDeque;
use std::thread;

use super::{BoxError, Options, Rejection, Task};
use crate::fingerprint::Fingerprint;
use crate::shard::Portion;
use crate::{Error, Result};

/// Rows are read and tokenized in pieces of at most this many.
const PIECE_ROWS: usize = 1024;

/// A record, and what became of it.
pub(super) struct Row<T: Task> {
    pub(super) record: T::Record,
    pub(super) item: Result<Unit<T::Item>, Rejection>,
}

/// An item with what the engine needs to know of it.
pub(super) struct Unit<I> {
    pub(super) item: I,
    pub(super) tokens: usize,
    pub(super) identity: u128,
}

/// Rows that become one part of the output.
pub(super) struct Window<T: Task> {
    pub(super) number: usize,
    pub(super) rows: Vec<Row<T>>,
    /// Nothing follows it in the input.
    pub(super) last: bool,
}

impl<T: Task> Window<T> {
    /// Names and identities or rejections, in order.
    pub(super) fn digest(&self, task: &T) -> u128 {
        let mut digest = Fingerprint::new();
        for row in &self.rows {
            digest.push(task.name(&row.record).as_bytes());
            match &row.item {
                Ok(unit) => digest.push(&unit.identity.to_le_bytes()),
                Err(rejection) => digest.push(rejection.reason.as_bytes()),
            }
        }
        digest.finish()
    }
}

/// Cuts records into windows: as many rows as fit [`Options::window_rows`] and [`Options::window_tokens`].
pub(super) struct Windows<'a, T: Task, R> {
    task: &'a T,
    options: &'a Options,
    records: R,
    pending: VecDeque<Row<T>>,
    number: usize,
    /// The place of the next record in the input.
    next: u64,
    /// The input has no more records.
    exhausted: bool,
    /// The last window was given out.
    finished: bool,
}

impl<'a, T, R> Windows<'a, T, R>
where
    T: Task,
    R: Iterator<Item = Result<T::Record, BoxError>>,
{
    pub(super) fn new(task: &'a T, options: &'a Options, records: R) -> Self {
        let next = options.portion.as_ref().map_or(0, |portion| portion.rows().start);
        Self { task, options, records, pending: VecDeque::new(), number: 0, next, exhausted: false, finished: false }
    }

    /// The next window; an input without records is one window without rows. `None` at the end, or when `stop` says so.
    pub(super) fn next(&mut self, stop: impl Fn() -> bool) -> Result<Option<Window<T>>> {
        while !self.finished {
            if stop() {
                return Ok(None);
            }
            if let Some(count) = self.full() {
                return Ok(Some(self.take(count)));
            }
            if self.exhausted {
                self.finished = true;
                return Ok(Some(self.take(self.pending.len())));
            }
            self.read()?;
        }
        Ok(None)
    }

    /// How many of the pending rows make a window, when at least one more follows them.
    fn full(&self) -> Option<usize> {
        let mut tokens = 0_usize;
        for (count, row) in self.pending.iter().enumerate() {
            tokens = tokens.saturating_add(row.item.as_ref().map_or(0, |unit| unit.tokens));
            if count > 0 && (count >= self.options.window_rows || tokens > self.options.window_tokens()) {
                return Some(count);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Window<T> {
        let rows = self.pending.drain(..count).collect();
        self.number += 1;
        Window { number: self.number - 1, rows, last: self.finished }
    }

    fn read(&mut self) -> Result<()> {
        let count = PIECE_ROWS.min(self.options.window_rows).max(1);
        let records: Vec<T::Record> =
            self.records.by_ref().take(count).collect::<Result<_, _>>().map_err(Error::Read)?;
        self.exhausted = records.len() < count;
        let items = tokenize(self.task, &records, self.next, self.options)?;
        self.next += records.len() as u64;
        self.pending.extend(records.into_iter().zip(items).map(|(record, item)| Row { record, item }));
        Ok(())
    }
}

type Tokenized<T> = Vec<Result<Unit<<T as Task>::Item>, Rejection>>;

/// Tokenizes `records`, of which the first is row `first` of the input, on up to [`Options::threads`] threads, in order.
fn tokenize<T: Task>(task: &T, records: &[T::Record], first: u64, options: &Options) -> Result<Tokenized<T>> {
    let share = records.len().div_ceil(options.threads.max(1)).max(16);
    let portion = options.portion.as_ref();
    if records.len() <= share {
        return Ok(tokenize_share(task, records, first, portion));
    }
    thread::scope(|scope| {
        let starts = (first..).step_by(share);
        let shares: Vec<_> = records
            .chunks(share)
            .zip(starts)
            .map(|(records, first)| scope.spawn(move || tokenize_share(task, records, first, portion)))
            .collect();
        let mut items = Vec::with_capacity(records.len());
        for share in shares {
            items.extend(share.join().map_err(|_| Error::Panicked)?);
        }
        Ok(items)
    })
}

fn tokenize_share<T: Task>(task: &T, records: &[T::Record], first: u64, portion: Option<&Portion>) -> Tokenized<T> {
    let unit = |item| Unit { tokens: task.tokens(&item), identity: task.identity(&item), item };
    let one = |(record, row)| match portion.and_then(|portion| portion.quarantined(row)) {
        Some(rejection) => Err(rejection),
        None => task.tokenize(record).map(unit),
    };
    records.iter().zip(first..).map(one).collect()
}
