//! The threads of a run: one reads, several convert, and the one that began counts what is done.

use std::collections::BTreeMap;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::{Conversion, RejectedRow, Stream, rows};
use crate::engine::BoxError;
use crate::engine::assemble::Done;
use crate::engine::control::Control;
use crate::engine::verify::{Made, refuse_surplus};
use crate::journal::{PartRecord, Statistics, Workplace};
use crate::progress::Progress;
use crate::table::Columns;
use crate::{Error, Result};

/// A block on its way to a converting thread.
struct Work<B> {
    made: Made,
    block: B,
}

/// What became of a part.
struct Part {
    number: usize,
    record: PartRecord,
    /// An earlier run wrote it.
    resumed: bool,
}

/// What the threads of a run share.
pub(super) struct Threads<'a, C> {
    pub(super) job: &'a Stream<'a, C>,
    pub(super) place: &'a Workplace,
    pub(super) columns: &'a Columns,
    pub(super) control: &'a Control,
}

impl<C: Conversion> Threads<'_, C> {
    pub(super) fn compute<B>(&self, blocks: B) -> Result<Done>
    where
        B: Iterator<Item = Result<C::Block, BoxError>> + Send,
    {
        let (queue, work) = bounded(1);
        let (tell, parts) = unbounded();
        thread::scope(|scope| {
            let converters = (0..self.job.options.threads.max(1)).map(|_| {
                let (work, tell) = (work.clone(), tell.clone());
                scope.spawn(move || self.convert_all(&work, &tell))
            });
            let converters: Vec<_> = converters.collect();
            let reader = scope.spawn(move || self.read_all(blocks, &queue, &tell));
            drop(work);
            let mut done = self.collect(&parts);
            let ended = reader.join().map_err(|_| Error::Panicked)?;
            if converters.into_iter().filter_map(|thread| thread.join().err()).count() > 0 {
                return Err(Error::Panicked);
            }
            done.complete = ended && !self.control.failed();
            Ok(done)
        })
    }

    /// Reads blocks to the end; `false` when the run stopped before.
    fn read_all<B>(&self, blocks: B, queue: &Sender<Work<C::Block>>, tell: &Sender<Part>) -> bool
    where
        B: Iterator<Item = Result<C::Block, BoxError>>,
    {
        self.read(blocks, queue, tell).unwrap_or_else(|error| {
            self.control.fail(error);
            false
        })
    }

    fn read<B>(&self, mut blocks: B, queue: &Sender<Work<C::Block>>, tell: &Sender<Part>) -> Result<bool>
    where
        B: Iterator<Item = Result<C::Block, BoxError>>,
    {
        let mut next = blocks.next().transpose().map_err(Error::Read)?;
        let mut number = 0;
        while let Some(block) = next {
            if self.control.stopped() {
                return Ok(false);
            }
            // Only a look ahead tells which block is the last one.
            next = blocks.next().transpose().map_err(Error::Read)?;
            let (rows, digest) = (self.job.conversion.rows(&block), self.job.conversion.digest(&block));
            let made = Made { number, rows, last: next.is_none(), digest };
            number += 1;
            if let Some(record) = self.place.finished(made.number)? {
                made.verify(self.place, &record, self.job.options.strict)?;
                let _ = tell.send(Part { number: made.number, record, resumed: true });
            } else if queue.send(Work { made, block }).is_err() {
                return Ok(false);
            }
        }
        refuse_surplus(self.place, number)?;
        Ok(true)
    }

    /// Converts and writes blocks until there are no more, or the run stops.
    fn convert_all(&self, work: &Receiver<Work<C::Block>>, tell: &Sender<Part>) {
        for Work { made, block } in work {
            if self.control.stopped() {
                continue;
            }
            let number = made.number;
            match self.convert(made, block) {
                Ok(record) => {
                    let _ = tell.send(Part { number, record, resumed: false });
                }
                Err(error) => self.control.fail(error),
            }
        }
    }

    fn convert(&self, made: Made, block: C::Block) -> Result<PartRecord> {
        let converted = self.job.conversion.convert(block).map_err(Error::Worker)?;
        if let Some(RejectedRow { name, rejection, .. }) =
            converted.rejected.first().filter(|_| self.job.options.strict)
        {
            return Err(Error::Rejected { name: name.clone(), reason: rejection.reason.clone() });
        }
        let rows = converted.table.num_rows();
        if rows != made.rows && self.job.conversion.keeps_rows() {
            return Err(Error::WorkerShape { expected: format!("{} rows", made.rows), found: format!("{rows} rows") });
        }
        rows::write(self.place, self.columns, &made, &converted)
    }

    /// Counts parts as they are finished.
    fn collect(&self, parts: &Receiver<Part>) -> Done {
        let mut progress = Progress::new(self.job.totals, self.job.options.quiet);
        let (mut records, mut done, mut seen) = (BTreeMap::new(), Done::default(), Statistics::default());
        for Part { number, record, resumed } in parts {
            if resumed {
                done.resumed_rows += record.statistics.rows;
            } else {
                done.computed_tokens += record.statistics.tokens;
                progress.computed(record.statistics.rows, record.statistics.tokens);
            }
            seen.add(&record.statistics);
            progress.finished(&seen, resumed);
            records.insert(number, record);
        }
        progress.finish();
        // In order, so that the first rejected row is the first of the input.
        for record in records.values() {
            done.statistics.add(&record.statistics);
        }
        done
    }
}
