//! Jobs without a model: blocks of rows become parts of a table.
//!
//! One thread reads blocks; [`Options::threads`] threads convert them and write their parts, each whole. Where a block ends
//! is the reader's choice and must not depend on the number of threads; so the output does not either.

mod rows;
mod threads;

use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::control::Control;
use super::run::{Begun, begin, conclude, earlier, versioned};
use super::{BoxError, Options, Rejection, Summary, Totals};
use crate::Result;
use crate::journal::RunDescription;
use crate::table::{Columns, Output};
use threads::Threads;

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
/// [`crate::Error`]; what is done is kept, and the same call goes on from there.
pub fn stream<C, B>(job: Stream<'_, C>, blocks: B) -> Result<Summary>
where
    C: Conversion,
    B: Iterator<Item = Result<C::Block, BoxError>> + Send,
{
    let start = Instant::now();
    let columns = Columns::new(&Schema::empty(), job.conversion.schema());
    columns.check(&job.output)?;
    let place = match begin(&job.output, versioned(&job.description), &job.options)? {
        Begun::Working(place) => place,
        Begun::Done(summary) => return Ok(*summary),
    };
    let done = match earlier(&place)? {
        Some(done) => done,
        None => {
            let control = Control::new(job.options.interrupt.clone());
            let threads = Threads { job: &job, place: &place, columns: &columns, control: &control };
            let done = threads.compute(blocks)?;
            control.failure().map_or(Ok(done), Err)?
        }
    };
    conclude(place, &columns, done, &job.options, job.totals, start)
}
