//! A fast model over everything, and a better one over the best of each target.

mod again;
mod limits;
mod rescored;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use arrow::array::{AsArray, Float32Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float32Type, Schema};
use ferrome_core::engine::{self, BoxError, Stream, Summary};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tch::Device;

use super::block::Block;
use super::rank::{self, Lazy, column, lost};
use super::scorer::Scorer;
use super::shape::{Rank, Shape};
use super::{Model, Outcome, Target, check_names};
use crate::{Error, Result};

use again::{Again, Part};
use limits::limits;

/// The models of a cascade, and what they score.
pub(super) struct Stages {
    pub(super) fast: Model,
    pub(super) model: Model,
    pub(super) share: f64,
    pub(super) targets: Vec<Target>,
    pub(super) shape: Shape,
    pub(super) devices: Vec<Device>,
}

/// How a cascade runs.
pub(super) struct Running {
    /// The file that is scored, for messages.
    pub(super) input: PathBuf,
    pub(super) options: engine::Options,
    pub(super) output: Output,
    pub(super) description: RunDescription,
}

pub(super) fn run(
    stages: Stages,
    blocks: Box<dyn Iterator<Item = Result<Block, BoxError>> + Send>,
    running: Running,
) -> Result<Outcome> {
    let Stages { fast, model, share, targets, shape, devices } = stages;
    let Running { input, options, output, description } = running;
    let threads = options.threads;
    if fast.folder.config.objective != model.folder.config.objective {
        let path = fast.folder.path.join("config.json");
        return Err(Error::file(path, "the objective differs from that of the model that it is to precede"));
    }
    let rank = shape.rank;
    let first = Shape { rank: Rank::Input, keyed: true, sequences: targets.is_empty(), ..shape };
    let started = Instant::now();
    let fast = Scorer::new(fast, targets.clone(), first.clone(), &devices, threads)?;
    let bare = Shape { others: Arc::new(Schema::empty()), keyed: false, sequences: false, ..first };
    let model = Scorer::new(model, targets, bare, &devices, threads)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let again = Again { model, fast: fast.written(), rank, limits: OnceLock::new() };
    check_names(&again.written(), &input)?;
    let folder = rank::stage(&output, "fast");
    let done = Mutex::new(None);
    let parts = Output::parse(folder.clone())?;
    let stage = Stream {
        conversion: &fast,
        options: options.clone(),
        description: description.clone(),
        output: parts,
        totals: None,
    };
    let rows = Lazy::new(|| {
        let summary = engine::stream(stage, blocks).map_err(BoxError::from)?;
        if let Ok(mut done) = done.lock() {
            *done = Some(summary);
        }
        let parts = parts_of(&folder)?;
        let _ = again.limits.set(limits(&parts, share)?);
        Ok(parts.into_iter().map(|part| Ok(Part { batch: whole(&part)? })))
    });
    let job = Stream { conversion: &again, options, description, output, totals: None };
    let written = again.written();
    let (last, second) = match rank {
        Rank::Input => {
            let last = engine::stream(job, rows)?;
            (last.clone(), Some(last))
        }
        Rank::Sorted => rank::sorted(job, rows, None, written)?,
        Rank::Best(most) => rank::sorted(job, rows, Some(most), written)?,
    };
    rank::remove(&folder)?;
    let kept = matches!(rank, Rank::Best(_)).then_some(last.rows);
    let rescored = second.map(|second| second.tokens);
    let first = done.into_inner().ok().flatten();
    let summary = first.map_or(last.clone(), |first| Summary { seconds: last.seconds, ..first });
    Ok(Outcome { summary, kept, rescored, load_seconds })
}

/// The parts in a folder, in order.
fn parts_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut parts = paths.collect::<Result<Vec<_>, _>>()?;
    parts.retain(|path| path.extension().is_some_and(|suffix| suffix == "parquet"));
    parts.sort();
    Ok(parts)
}

/// All rows of a part.
fn whole(path: &Path) -> Result<RecordBatch> {
    let wrong = |error: &dyn std::error::Error| Error::file(path, format!("cannot be read: {error}"));
    let file = fs_err::File::open(path)?.into_parts().0;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> =
        builder.build().map_err(|error| wrong(&error))?.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    Ok(concat_batches(&schema, &batches)?)
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| lost(name))
}

fn scores(batch: &RecordBatch) -> Result<&Float32Array> {
    column(batch, "score")?.as_primitive_opt::<Float32Type>().ok_or_else(|| lost("score"))
}
