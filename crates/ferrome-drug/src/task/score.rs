//! Molecules against targets: every molecule of a library with every target, or pair by pair; one row per row, at any size.

mod block;
mod cascade;
mod floor;
mod lanes;
mod loaded;
mod merge;
mod molecules;
mod nearest;
mod proteins;
mod rank;
mod scored;
mod scorer;
mod shape;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{Schema, SchemaRef};
use ferrome_core::engine::{self, BoxError, Stream, Summary};
use ferrome_core::journal::RunDescription;
use ferrome_core::shard::Portion;
use ferrome_core::table::Output;
use tch::Device;

use crate::read::{Library, Pairs};
use crate::{Error, Result};

use block::Block;
use scorer::Scorer;
use shape::{KIND, ROW, SEQUENCE, Shape, TARGET};

pub use loaded::Model;
pub use shape::{IN_DOMAIN_TANIMOTO, Rank};

/// A protein to score against.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    id: String,
    sequence: Vec<u8>,
}

impl Target {
    /// A protein with an id; case does not matter.
    ///
    /// # Errors
    ///
    /// The sequence is empty or has a letter that is no amino acid, in one sentence.
    pub fn new(id: impl Into<String>, sequence: impl Into<Vec<u8>>) -> Result<Self, String> {
        let (id, mut sequence) = (id.into(), sequence.into());
        sequence.make_ascii_uppercase();
        proteins::check_target(&sequence)?;
        Ok(Self { id, sequence })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// How molecules are scored.
#[derive(Debug)]
pub struct Job {
    /// The file that is scored, for messages.
    pub input: PathBuf,
    /// The model.
    pub model: Model,
    /// Scores everything first, and what share of it the model scores then.
    pub cascade: Option<(Model, f64)>,
    /// With what probability the truth is in an interval.
    pub confidence: f64,
    /// Which rows are written, and in which order.
    pub rank: Rank,
    /// Where the model runs.
    pub devices: Vec<Device>,
    /// How the run behaves.
    pub options: engine::Options,
    /// Where it writes to.
    pub output: Output,
    /// Inputs and models.
    pub description: RunDescription,
}

impl Job {
    /// The molecules that are looked at together, each against so many targets.
    #[must_use]
    pub fn block(&self, targets: usize) -> usize {
        let first = self.cascade.as_ref().map_or(&self.model, |(fast, _)| fast);
        block::molecules(&first.folder.config, targets)
    }
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Over all rows that were scored.
    pub summary: Summary,
    /// The rows of the output, where not all were kept.
    pub kept: Option<u64>,
    /// The rows that the better model of a cascade scored.
    pub rescored: Option<u64>,
    /// What it took to load the models and encode the targets.
    pub load_seconds: f64,
}

/// Scores every molecule of `library` with every one of `targets`, all targets of the first molecule first.
///
/// Columns: `drug_id`, `smiles`, `target_id`, `score`, `std`, `probability` (of models that give both), `lower`, `upper`,
/// `nearest_train_tanimoto`, `in_domain`, and `error`.
///
/// # Errors
///
/// The library is empty or damaged, the model does not fit, the output belongs to something else, or the run was stopped; what
/// is done is kept.
pub fn library(job: Job, library: Library, targets: Vec<Target>) -> Result<Outcome> {
    let blocks = block::of_library(library, job.block(targets.len()));
    let blocks = own(blocks, &job);
    run(job, filled(block::spread(blocks)), targets, Arc::new(Schema::empty()))
}

/// Scores every row of a table of pairs, opened in blocks of [`Job::block`] rows.
///
/// Columns: as those of [`library`], the table's other ones behind `target_id`.
///
/// # Errors
///
/// As [`library`]; a column has the name of one that is written.
pub fn pairs(job: Job, pairs: Pairs) -> Result<Outcome> {
    let others = pairs.others().clone();
    let blocks = own(block::of_pairs(pairs), &job);
    run(job, filled(block::spread(blocks)), Vec::new(), others)
}

/// The blocks of the shard that is computed, where the run is one.
fn own(
    blocks: impl Iterator<Item = Result<Block, BoxError>> + Send + 'static,
    job: &Job,
) -> Box<dyn Iterator<Item = Result<Block, BoxError>> + Send> {
    match job.options.portion.clone() {
        Some(portion) => Box::new(block::of_portion(blocks, portion)),
        None => Box::new(blocks),
    }
}

/// Blocks, or an error where there is none.
fn filled<B>(blocks: B) -> impl FnOnce(PathBuf) -> Box<dyn Iterator<Item = Result<Block, BoxError>> + Send>
where
    B: Iterator<Item = Result<Block, BoxError>> + Send + 'static,
{
    move |input| {
        let mut blocks = blocks.peekable();
        match blocks.peek() {
            Some(_) => Box::new(blocks),
            None => {
                Box::new(std::iter::once(Err(Error::file(input, "no molecules: expected at least one row").into())))
            }
        }
    }
}

fn run(
    job: Job,
    blocks: impl FnOnce(PathBuf) -> Box<dyn Iterator<Item = Result<Block, BoxError>> + Send>,
    targets: Vec<Target>,
    others: SchemaRef,
) -> Result<Outcome> {
    let threads = job.options.threads;
    let keyed = job.rank != Rank::Input;
    let shape = Shape { others, confidence: job.confidence, rank: job.rank, keyed, sequences: false };
    let description = described(&job, targets.len());
    // There may be more shards than rows.
    let empty = job.options.portion.as_ref().is_some_and(Portion::is_empty);
    let blocks = if empty { Box::new(std::iter::empty()) } else { blocks(job.input.clone()) };
    let Job { input, model, cascade, devices, options, output, .. } = job;
    if let Some((fast, share)) = cascade {
        let stages = cascade::Stages { fast, model, share, targets, shape, devices };
        return cascade::run(stages, blocks, cascade::Running { input, options, output, description });
    }
    let started = Instant::now();
    let scorer = Scorer::new(model, targets, shape, &devices, threads)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let written = Arc::new(Schema::new(scorer.written()));
    check_names(&written, &input)?;
    let job = Stream { conversion: &scorer, options, description, output, totals: None };
    let outcome = match scorer.shape.rank {
        Rank::Input => Outcome { summary: engine::stream(job, blocks)?, kept: None, rescored: None, load_seconds },
        Rank::Sorted => ranked(job, blocks, None, written)?,
        Rank::Best(most) => ranked(job, blocks, Some(most), written)?,
    };
    Ok(Outcome { load_seconds, ..outcome })
}

fn ranked<C: engine::Conversion>(
    job: Stream<'_, C>,
    blocks: impl Iterator<Item = Result<C::Block, BoxError>> + Send,
    most: Option<usize>,
    written: SchemaRef,
) -> Result<Outcome> {
    let (last, first) = rank::sorted(job, blocks, most, written)?;
    let kept = most.map(|_| last.rows);
    // What was done before a stop is in the parts; a run that had nothing left to do has only its output.
    let summary = first.map_or(last.clone(), |first| Summary { seconds: last.seconds, ..first });
    Ok(Outcome { summary, kept, rescored: None, load_seconds: 0.0 })
}

/// Everything that decides what is written.
fn described(job: &Job, targets: usize) -> RunDescription {
    let description = job.description.clone().with("confidence", job.confidence).with("block", job.block(targets));
    match job.rank {
        Rank::Input => description,
        Rank::Sorted => description.with("sort", true),
        Rank::Best(most) => description.with("top_k", most),
    }
}

fn check_names(written: &Schema, input: &std::path::Path) -> Result<()> {
    let mut seen = std::collections::BTreeSet::from(["error", TARGET, ROW, KIND, SEQUENCE]);
    match written.fields().iter().find(|field| !seen.insert(field.name())) {
        Some(field) => {
            let name = field.name();
            Err(Error::file(input, format!("column `{name}` is one that scores are written to; give it another name")))
        }
        None => Ok(()),
    }
}
