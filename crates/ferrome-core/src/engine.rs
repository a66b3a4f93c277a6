//! The one engine for every job: read → tokenize → batch → model → write.
//!
//! The *feeder* reads rows and cuts them, in order, into windows; a window is tokenized in parallel, freed of identical
//! inputs, ordered by length and cut into batches, which depend on nothing but its rows and the options. *Lanes* (one
//! thread and one [`Worker`] for each device) take batches as they come free and spill what they computed to disk. The
//! *assembler* puts a window's rows back into input order when its batches are there, and writes them as one part of the
//! output. At most three windows are in work at once, so that memory does not grow with the input; a kill costs at most
//! the batches in hand.

mod assemble;
mod control;
mod feed;
mod lane;
mod part;
mod plan;
#[cfg(feature = "torch")]
mod replicas;
mod run;
mod spill;
mod stream;
mod summary;
mod verify;
mod window;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::Result;
use crate::batch::Layout;
use crate::interrupt::Interrupt;
use crate::journal::RunDescription;
use crate::shard::Portion;
use crate::table::Output;

pub use crate::journal::{Rejected, Statistics};
#[cfg(feature = "torch")]
pub use replicas::{Lanes, workers};
pub use run::run;
pub use stream::{Conversion, Converted, RejectedRow, Stream, stream};
pub use summary::Summary;

/// An error of any room; it is shown as it is, on one line.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The verbs that a room supplies to the engine.
pub trait Task: Send + Sync {
    /// A row as read.
    type Record: Send + Sync;
    /// What the model eats.
    type Item: Send + Sync;

    /// The record's id, for messages.
    fn name<'r>(&self, record: &'r Self::Record) -> &'r str;

    /// Turns a record into what the model eats; pure, and called from several threads at once.
    ///
    /// # Errors
    ///
    /// The record cannot be computed; its row stays, with nulls and the reason.
    fn tokenize(&self, record: &Self::Record) -> Result<Self::Item, Rejection>;

    /// The length of an item, in the unit of [`Options::batch_tokens`].
    fn tokens(&self, item: &Self::Item) -> usize;

    /// Equal identity means equal computation: it is done once. See [`crate::fingerprint`].
    fn identity(&self, item: &Self::Item) -> u128;

    /// The columns that are known without the model, such as `id` and `length`; one row per record, also for none.
    ///
    /// # Errors
    ///
    /// The columns cannot be built.
    fn describe(&self, records: &[&Self::Record]) -> Result<RecordBatch>;

    /// The columns that the model computes; every one is nullable.
    fn output_schema(&self) -> SchemaRef;

    /// How a batch is laid out on the device, which decides what it costs.
    fn layout(&self) -> Layout {
        Layout::Packed
    }
}

/// Why a record was not computed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// Groups the summary, such as `letter outside the alphabet`.
    pub kind: String,
    /// The full sentence for the column `error`.
    pub reason: String,
}

/// A model on one device. It lives in the thread that built it.
pub trait Worker {
    /// What the model eats.
    type Item;

    /// Computes a batch; row `i` belongs to item `i`, columns as in [`Task::output_schema`].
    ///
    /// # Errors
    ///
    /// [`Failure`].
    fn run(&mut self, batch: &[&Self::Item]) -> Result<RecordBatch, Failure>;
}

/// Why a batch was not computed.
#[derive(Debug)]
pub enum Failure {
    /// The device has no room for it: the engine halves the batch and goes on. The worker has freed what it could.
    OutOfMemory,
    /// The run cannot go on.
    Fatal(BoxError),
}

/// Builds a worker inside its own thread: one for each device or CPU lane.
pub type WorkerFactory<I> = Box<dyn FnOnce() -> Result<Box<dyn Worker<Item = I>>, BoxError> + Send>;

/// How a job runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cost of a batch, in tokens.
    pub batch_tokens: usize,
    /// The tokens of a window, which becomes one part of the output; 64 batches when `None`.
    pub window_tokens: Option<usize>,
    /// The rows of a window.
    pub window_rows: usize,
    /// Threads that tokenize.
    pub threads: usize,
    /// Stop at the first rejected record.
    pub strict: bool,
    /// Start anew, whatever the output holds.
    pub overwrite: bool,
    /// No progress bar.
    pub quiet: bool,
    /// Asks the run to stop.
    pub interrupt: Interrupt,
    /// The shard that is computed. The caller gives its rows alone; the engine keeps its plan, and does not compute the rows
    /// that are in quarantine ([`Stream`] leaves them to its caller).
    pub portion: Option<Portion>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_tokens: 4096,
            window_tokens: None,
            window_rows: 16_384,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            strict: false,
            overwrite: false,
            quiet: false,
            interrupt: Interrupt::default(),
            portion: None,
        }
    }
}

impl Options {
    /// The tokens of a window.
    #[must_use]
    pub fn window_tokens(&self) -> usize {
        self.window_tokens.unwrap_or(self.batch_tokens.saturating_mul(64))
    }
}

/// What is known of the input before it is read, for the progress bar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// Tokens, where known.
    pub tokens: Option<u64>,
}

/// One run of a task.
pub struct Job<'a, T: Task> {
    /// The verbs.
    pub task: &'a T,
    /// How it runs.
    pub options: Options,
    /// Inputs, model and options that change the result; the engine adds its own version, layout and sizes.
    pub description: RunDescription,
    /// Where it writes to.
    pub output: Output,
    /// The size of the input, where known.
    pub totals: Option<Totals>,
}
