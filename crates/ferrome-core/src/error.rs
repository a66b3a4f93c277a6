#[cfg(feature = "torch")]
mod torch;

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

use crate::engine::BoxError;
use crate::weights::Problem;

/// Everything that can go wrong in `ferrome-core`; one line each, naming the file and what was expected and found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A weight file or a folder of weights could not be read.
    #[error("{}: {problem}", .path.display())]
    Weights {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// A path was given for a model, and nothing is there.
    #[error("{}: no such model folder or file", path.display())]
    ModelPath {
        /// The path as the user gave it.
        path: PathBuf,
    },
    /// A name was given for a model, and no cache on this machine has it.
    #[error(
        "model `{model}` was not found; looked for {}; {advice}",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    ModelNotFound {
        /// The name as the user gave it.
        model: String,
        /// Every place that would have been taken.
        looked: Vec<PathBuf>,
        /// How to get it.
        advice: String,
    },
    /// Reading the input failed; the room's own words.
    #[error(transparent)]
    Read(BoxError),
    /// A model failed; the room's own words.
    #[error(transparent)]
    Worker(BoxError),
    /// A model returned other rows or columns than it should; a defect of ferrome.
    #[error("the model returned {found} for a batch, expected {expected}")]
    WorkerShape {
        /// Rows and columns that the engine asked for.
        expected: String,
        /// Rows and columns that came.
        found: String,
    },
    /// A thread of the engine panicked; a defect of ferrome.
    #[error("a thread of the engine panicked; what is done is kept")]
    Panicked,
    /// The job was given no worker.
    #[error("no device to run on: the job was given no worker")]
    NoWorkers,
    /// A rejected record stopped a strict run.
    #[error("record `{name}`: {reason} (--strict stops at the first rejected record)")]
    Rejected {
        /// The record's name.
        name: String,
        /// Why it was rejected.
        reason: String,
    },
    /// Someone stopped the run.
    #[error("interrupted: {done}{} rows done; {go_on}", total.map(|rows| format!(" of {rows}")).unwrap_or_default())]
    Interrupted {
        /// Rows in finished parts.
        done: u64,
        /// Rows of the input, where known.
        total: Option<u64>,
        /// How to go on.
        go_on: String,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot catch Ctrl-C: {0}")]
    Signal(String),
    /// The output has a suffix that stands for no format.
    #[error(
        "{}: unknown suffix `.{suffix}`; expected .parquet, .npy, .arrow, .feather, .csv, or a folder (a name that ends in `/`)",
        path.display()
    )]
    OutputSuffix {
        /// The output.
        path: PathBuf,
        /// Its suffix, without the dot.
        suffix: String,
    },
    /// The output exists.
    #[error("{}: exists already; pass --overwrite to replace it, or choose another name", path.display())]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// The output's folder holds a file that no run wrote.
    #[error("{}: holds `{file}`, which ferrome did not write; choose an empty or new folder for -o", path.display())]
    OutputForeign {
        /// The folder.
        path: PathBuf,
        /// The first foreign file's name.
        file: String,
    },
    /// Another run writes this output.
    #[error("{}: another run of ferrome is writing this output (it holds the lock {})", path.display(), lock.display())]
    OutputLocked {
        /// The output.
        path: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
    /// The output's format cannot hold the table.
    #[error("{}: {reason}; choose .parquet, .arrow or a folder for -o", path.display())]
    OutputShape {
        /// The output.
        path: PathBuf,
        /// Which column does not fit, and what would.
        reason: String,
    },
    /// An earlier run into the same output had other inputs, another model or other options.
    #[error(
        "{}: an earlier run into this output differs: {}; pass --overwrite to start anew, or choose another -o",
        path.display(),
        differences.join(", ")
    )]
    JournalDiffers {
        /// The output.
        path: PathBuf,
        /// One sentence for each entry that differs.
        differences: Vec<String>,
    },
    /// The journal or a part of an earlier run cannot be understood.
    #[error("{}: {reason}; pass --overwrite to start anew", path.display())]
    JournalUnreadable {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        reason: String,
    },
    /// The input's rows are not those that a finished part was made from.
    #[error(
        "{}: the input changed since this part was written ({reason}); pass --overwrite to start anew",
        path.display()
    )]
    InputChanged {
        /// The finished part.
        path: PathBuf,
        /// Which rows, and what differs.
        reason: String,
    },
    /// The folder of `-o` has shards of another plan.
    #[error(
        "{}: belongs to another plan of shards: {}; choose another -o, or remove the folder",
        path.display(),
        differences.join(", ")
    )]
    PlanDiffers {
        /// The folder, or a part in it.
        path: PathBuf,
        /// One phrase for each entry that differs.
        differences: Vec<String>,
    },
    /// The folder has no plan.
    #[error("{}: holds no shards (no _plan/plan.json): expected the folder that --shard I/N wrote to", path.display())]
    NoPlan {
        /// The folder.
        path: PathBuf,
    },
    /// What is known of a plan cannot be understood.
    #[error("{}: {reason}; remove the folder and compute the shards again", path.display())]
    PlanUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Not all shards of a plan are finished.
    #[error("{}: not finished: missing of {of} shards: {missing} (--shard I/{of} computes shard I)", path.display())]
    ShardsMissing {
        /// The folder.
        path: PathBuf,
        /// Numbers and ranges of numbers.
        missing: String,
        /// The shards of the plan.
        of: usize,
    },
    /// A part is not what its shard wrote.
    #[error(
        "{}: is not as its shard wrote it (another checksum); run --shard {shard} again with --overwrite",
        path.display()
    )]
    PartDamaged {
        /// The part.
        path: PathBuf,
        /// The shard, as on the command line.
        shard: String,
    },
    /// Rows are in quarantine that the input does not have.
    #[error("--quarantine {rows}: the input has {total} rows")]
    Quarantine {
        /// As on the command line.
        rows: String,
        /// The rows of the input.
        total: u64,
    },
    /// The disk is full.
    #[error("{}: no space left on device; what is done is kept: make room and run the same command again", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// A table file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The first line of the Arrow or Parquet error.
        reason: String,
    },
    /// Columns do not make a table.
    #[error("cannot build the table: {0}")]
    Arrow(#[from] ArrowError),

    /// The gradient became infinite or NaN.
    #[error("training diverged: the gradient is not a number; lower learning_rate")]
    Diverged,

    /// libtorch refused an operation; the first line of what it said.
    #[error("libtorch: {0}")]
    Torch(String),

    /// `--device` names nothing that is known.
    #[error("unknown device `{0}`: expected auto, cpu, cuda, cuda:N or cuda:all")]
    UnknownDevice(String),

    /// `--dtype` names nothing that is known.
    #[error("unknown dtype `{0}`: expected auto, f32, bf16 or f16")]
    UnknownDtype(String),

    /// The device does not serve the dtype.
    #[error("dtype {dtype} is not served on {device}: use f32 or bf16")]
    DtypeNotOnDevice {
        /// As on the command line.
        dtype: &'static str,
        /// As on the command line.
        device: &'static str,
    },

    /// CUDA was asked for and cannot be used.
    #[error("no CUDA device can be used: {0}")]
    NoCuda(String),
}

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error about the weight file at `path`.
    pub(crate) fn weights(path: &Path, problem: impl Into<Problem>) -> Error {
        Error::Weights { path: path.to_owned(), problem: Box::new(problem.into()) }
    }
}
