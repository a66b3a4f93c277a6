//! Jobs without a model: blocks of rows become parts of a table.
//!
//! One thread reads blocks; [`Options::threads`] threads convert them and write their parts, each whole. Where a block ends
//! is the reader's choice and must not depend on the number of threads; so the output does not either.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{Schema, SchemaRef};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::assemble::Done;
use super::control::Control;
use super::run::{conclude, earlier, versioned};
use super::verify::{Made, refuse_surplus};
use super::{BoxError, Options, Rejection, Summary, Totals};
use crate::fingerprint::hex;
use crate::journal::{PartRecord, RunDescription, Statistics, Workplace};
use crate::progress::Progress;
use crate::table::part::PartWriter;
use crate::table::{Columns, Output};
use crate::{Error, Result};

/// Rows are written in pieces of this many.
const PIECE_ROWS: usize = 1024;

/// The verb that a room supplies.
pub trait Conversion: Send + Sync {
    /// What one part of the output is made from.
    type Block: Send;

    /// The columns of the table; the engine adds `error` as the last one.
    fn schema(&self) -> SchemaRef;

    /// The rows of a block.
    fn rows(&self, block: &Self::Block) -> usize;

    /// What a block was made from: equal digests mean equal rows. See [`crate::fingerprint`].
    fn digest(&self, block: &Self::Block) -> u128;

    /// Whether a block has as many rows as the table that it becomes; a conversion that keeps only some says `false`.
    fn keeps_rows(&self) -> bool {
        true
    }

    /// Converts a block; pure, and called from several threads at once.
    ///
    /// # Errors
    ///
    /// The run cannot go on. A row that cannot be converted is no error: see [`Converted::rejected`].
    fn convert(&self, block: Self::Block) -> Result<Converted, BoxError>;
}

/// The rows of one part.
#[derive(Debug)]
pub struct Converted {
    /// As many rows as the block has (but see [`Conversion::keeps_rows`]), with the columns of [`Conversion::schema`].
    pub table: RecordBatch,
    /// For the progress bar and the summary.
    pub tokens: u64,
    /// Rows that could not be converted, ascending; their cells in `table` are null or empty.
    pub rejected: Vec<RejectedRow>,
}

/// A row that could not be converted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedRow {
    /// Its place in the table; `usize::MAX` where it is not in there.
    pub row: usize,
    /// Its id, for messages.
    pub name: String,
    /// Why.
    pub rejection: Rejection,
}

/// One run of a conversion.
pub struct Stream<'a, C> {
    /// The verb.
    pub conversion: &'a C,
    /// How it runs; batches and windows have no meaning here.
    pub options: Options,
    /// Inputs and options that change the result; the engine adds its own version.
    pub description: RunDescription,
    /// Where it writes to.
    pub output: Output,
    /// The size of the input, where known.
    pub totals: Option<Totals>,
}

/// Runs `job` over `blocks`, going on where an earlier run with the same description stopped.
///
/// # Errors
///
/// [`Error`]; what is done is kept, and the same call goes on from there.
pub fn stream<C, B>(job: Stream<'_, C>, blocks: B) -> Result<Summary>
where
    C: Conversion,
    B: Iterator<Item = Result<C::Block, BoxError>> + Send,
{
    let start = Instant::now();
    let columns = Columns::new(&Schema::empty(), job.conversion.schema());
    columns.check(&job.output)?;
    let place = Workplace::start(job.output.clone(), versioned(&job.description), job.options.overwrite)?;
    let done = match earlier(&place)? {
        Some(done) => done,
        None => {
            let control = Control::new(job.options.interrupt.clone());
            let run = Run { job: &job, place: &place, columns: &columns, control: &control };
            let done = run.compute(blocks)?;
            control.failure().map_or(Ok(done), Err)?
        }
    };
    conclude(place, &columns, done, &job.options, job.totals, start)
}

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
struct Run<'a, C> {
    job: &'a Stream<'a, C>,
    place: &'a Workplace,
    columns: &'a Columns,
    control: &'a Control,
}

impl<C: Conversion> Run<'_, C> {
    fn compute<B>(&self, blocks: B) -> Result<Done>
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
        let table = with_errors(&converted, self.columns)?;
        let record =
            PartRecord { digest: hex(made.digest), last: made.last, statistics: statistics(&converted, made.rows) };
        let path = self.place.unfinished_part(made.number);
        let mut writer = PartWriter::create(&path, self.columns.table.clone(), &self.place.description)?;
        for start in (0..rows).step_by(PIECE_ROWS) {
            writer.write(&table.slice(start, PIECE_ROWS.min(rows - start)))?;
        }
        writer.finish(&path, &record)?;
        self.place.publish_part(made.number)?;
        Ok(record)
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

/// The table with its column `error`.
fn with_errors(converted: &Converted, columns: &Columns) -> Result<RecordBatch> {
    let rows = converted.table.num_rows();
    let mut errors = StringBuilder::new();
    let mut rejected = converted.rejected.iter().peekable();
    for row in 0..rows {
        errors.append_option(rejected.next_if(|rejected| rejected.row == row).map(|row| &row.rejection.reason));
    }
    let errors: ArrayRef = Arc::new(errors.finish());
    let all = converted.table.columns().iter().cloned().chain([errors]).collect();
    Ok(RecordBatch::try_new(columns.table.clone(), all)?)
}

/// What was done for the `rows` of a block, whether they are in the table or not.
fn statistics(converted: &Converted, rows: usize) -> Statistics {
    let rows = rows as u64;
    let unique = rows.saturating_sub(converted.rejected.len() as u64);
    let mut statistics = Statistics { rows, unique, tokens: converted.tokens, ..Statistics::default() };
    for RejectedRow { name, rejection, .. } in &converted.rejected {
        statistics.reject(&rejection.kind, 1, name);
    }
    statistics
}
