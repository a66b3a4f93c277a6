use std::io;
use std::path::PathBuf;

use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use crate::genes::Statistics;
use crate::nearest::nearest;
use crate::tokenize::Style;

/// Everything that can go wrong in `ferrome-cell`; one line each, naming the file and what was expected and found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The engine, a table or a weight file.
    #[error(transparent)]
    Core(#[from] ferrome_core::Error),
    /// A table cannot be built; a defect of ferrome.
    #[error("cannot build the table: {0}")]
    Arrow(#[from] ArrowError),
    /// A file cannot be read, or holds something else than it should.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, what was expected and what was found.
        reason: String,
    },
    /// Too few genes of a matrix are in the vocabulary.
    #[error("{}", few_genes(.statistics, *.min_matched, .unmatched))]
    FewGenes {
        /// What matched.
        statistics: Box<Statistics>,
        /// The smallest share that is accepted, from 0 to 1.
        min_matched: f64,
        /// Names that did not match, the most frequent first.
        unmatched: Vec<String>,
    },
    /// `var` has no such column of names.
    #[error("there is no var column of text called `{column}`; there are {}", quoted(.known))]
    NoGeneColumn {
        /// The column asked for.
        column: String,
        /// The columns that are there.
        known: Vec<String>,
    },
    /// `obs` has no such column.
    #[error("there is no obs column `{column}`; {}", if .near.is_empty() { "obs has no columns".to_owned() } else { format!("nearest: {}", quoted(.near)) })]
    NoObsColumn {
        /// The column asked for.
        column: String,
        /// The names that are nearest to it.
        near: Vec<String>,
    },
    /// A column of `obs` holds no numbers.
    #[error("obs column `{column}` holds {found}, expected numbers")]
    ObsColumnKind {
        /// The column.
        column: String,
        /// The type of what it holds.
        found: String,
    },
    /// Highly variable genes cannot be told from others.
    #[error("cannot select highly variable genes: {0}")]
    VariableGenes(String),
    /// A column of `obs` would have a name that the output has already.
    #[error(
        "obs column `{column}` cannot be called `{name}` in the output, which has a column of that name; use --obs {column}=OTHER"
    )]
    ObsColumnTaken {
        /// The column.
        column: String,
        /// Its name in the output.
        name: String,
    },
    /// A vocabulary contradicts itself.
    #[error("vocabulary: {0}")]
    Vocabulary(String),
    /// A vocabulary lacks what a style needs.
    #[error("the vocabulary is of the style {style} and lacks {what}")]
    VocabularyLacks {
        /// The style of the vocabulary.
        style: Style,
        /// What it lacks.
        what: String,
    },
    /// A vocabulary of another style than was asked for.
    #[error("{}: is a vocabulary of the style {found}, expected {expected} (--style)", .path.display())]
    VocabularyStyle {
        /// The vocabulary.
        path: PathBuf,
        /// The style asked for.
        expected: Style,
        /// The style it has.
        found: Style,
    },
    /// A gene is asked for that the vocabulary does not have.
    #[error("`{name}` is no gene of the vocabulary; nearest: {}", quoted(.near))]
    UnknownGene {
        /// The name asked for.
        name: String,
        /// The names that are nearest to it.
        near: Vec<String>,
    },
    /// What is asked for cannot be perturbed in these cells by this model.
    #[error("{0}")]
    Perturb(String),
    /// The masked-gene head is asked for, and the checkpoint has none.
    #[error(
        "the checkpoint has no masked-gene head (`cls.predictions`), which logits need: use one saved from BertForMaskedLM"
    )]
    NoMaskedGeneHead,
    /// A layer was asked for that the model does not have.
    #[error("no layer {layer}: {known}")]
    NoSuchLayer {
        /// As asked for.
        layer: i64,
        /// The layers that there are.
        known: String,
    },
    /// A model is asked for what only a decoder tells that the checkpoint lacks.
    #[error("the checkpoint has no `{name}`, which {task} needs")]
    NoDecoder {
        /// The decoder.
        name: &'static str,
        /// What it would tell.
        task: &'static str,
    },
    /// The model treats batches apart, and the cells come without.
    #[error("the model treats batches apart (`dsbn` or `batch_encoder`), which needs the batch of each cell")]
    NoBatchLabels,
    /// The generator is asked what a perturbation does, without being told which genes are perturbed.
    #[error("the generator needs a flag for each gene, 1 where it is perturbed")]
    NoFlags,
    /// Tokens without values came to a model that needs them.
    #[error("the tokens have no column `values`, which scGPT needs: tokenize with --style scgpt")]
    NoValues,
    /// The cells of a screen do not allow what is asked.
    #[error("{0}")]
    Screen(String),
    /// A cell without tokens came to a model.
    #[error("a cell without tokens has no representation")]
    EmptyCell,
    /// A block was asked for that the model does not have.
    #[error("no block {layer}: the model has blocks 1 to {blocks}")]
    NoSuchBlock {
        /// As asked for.
        layer: usize,
        /// Number of blocks.
        blocks: usize,
    },
    /// A training cannot be what was asked for.
    #[error("{0}")]
    Train(String),
    /// The folder for a new model holds one already.
    #[error("{}: holds a model already; pass --overwrite to replace it, or choose another -o", path.display())]
    ModelExists {
        /// The folder.
        path: PathBuf,
    },
    /// Someone stopped a training.
    #[error("interrupted: {done} done; run the same command again{} to go on", if *overwrite { " without --overwrite" } else { "" })]
    Interrupted {
        /// What is done and kept, of how much.
        done: String,
        /// The command began anew, which its repetition must not.
        overwrite: bool,
    },
    /// A plot cannot be drawn; a defect of ferrome.
    #[error("cannot draw a plot (a defect of ferrome): {0}")]
    Plot(String),
    /// Someone stopped the run.
    #[error("stopped: nothing was written; the same command starts again")]
    Stopped,
    /// A reader broke its promise.
    #[error("a reader gave an unsound block of cells (a defect of ferrome): {0}")]
    Block(String),
}

impl Error {
    /// Trouble with the file or folder at `path`.
    pub fn file(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::File { path: path.into(), reason: reason.into() }
    }

    /// `obs` has no column called `column`; lists the names that are nearest to it.
    #[must_use]
    pub fn no_obs_column(column: &str, obs: &Schema) -> Self {
        let names = obs.fields().iter().map(|field| field.name().as_str());
        Self::NoObsColumn { column: column.to_owned(), near: nearest(column, names, 5) }
    }
}

#[cfg(feature = "torch")]
impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Core(error.into())
    }
}

/// What a worker's error means to the engine: without room on the device a batch is halved, everything else ends the run.
#[cfg(feature = "torch")]
impl From<Error> for ferrome_core::engine::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Core(core) if ferrome_core::device::is_out_of_memory(&core) => Self::OutOfMemory,
            other => Self::Fatal(other.into()),
        }
    }
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn few_genes(statistics: &Statistics, min_matched: f64, unmatched: &[String]) -> String {
    let Statistics { columns, vocabulary, .. } = statistics;
    format!(
        "only {} of {columns} genes are in the vocabulary of {vocabulary} ({:.1} %, expected {:.1} % or more: \
         --min-matched), looked up by `{}`; most frequent unmatched: {}; see --genes, --gene-column and --gene-map",
        statistics.matched(),
        statistics.share_of_smaller() * 100.0,
        min_matched * 100.0,
        statistics.column,
        quoted(unmatched)
    )
}
