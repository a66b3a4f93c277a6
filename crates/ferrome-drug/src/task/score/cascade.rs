//! A fast model over everything, and a better one over the best of each target.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{kernels::zip::zip, take_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Schema, SchemaRef, UInt64Type};
use ferrome_core::engine::{self, BoxError, Conversion, Converted, RejectedRow, Rejection, Stream, Summary};
use ferrome_core::fingerprint::Fingerprint;
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BinaryHeap;
use tch::Device;

use super::block::Block;
use super::rank::{self, Lazy, column, lost};
use super::scorer::Scorer;
use super::table::{KIND, ROW, Rank, Row, Shape, TARGET, Table, descending};
use super::{Model, Outcome, Target};
use crate::read::{Entry, Source};
use crate::{Error, Result};

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
    let threads = running.options.threads;
    if fast.folder.config.objective != model.folder.config.objective {
        let path = fast.folder.path.join("config.json");
        return Err(Error::file(path, "the objective differs from that of the model that it is to precede"));
    }
    let rank = shape.rank;
    let first = Shape { rank: Rank::Input, keyed: true, ..shape };
    let fast = Scorer::new(fast, targets.clone(), first.clone(), &devices, threads)?;
    let model = Scorer::new(model, targets, Shape { keyed: false, ..first }, &devices, threads)?;
    let again = Again { model, rank, limits: OnceLock::new() };
    let folder = rank::stage(&running.output, "fast");
    let done = Mutex::new(None);
    let Running { options, output, description } = running;
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
    Ok(Outcome { summary, kept, rescored })
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
    Ok(arrow::compute::concat_batches(&schema, &batches)?)
}

/// The score that the best `share` of each target's rows reach.
fn limits(parts: &[PathBuf], share: f64) -> Result<HashMap<String, f32>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    each_score(parts, |target, _| *counts.entry_ref(target).or_default() += 1)?;
    // The smallest of the best is on top.
    let mut best: HashMap<String, BinaryHeap<std::cmp::Reverse<Ordered>>> = HashMap::new();
    each_score(parts, |target, score| {
        let most = (counts.get(target).copied().unwrap_or(0) as f64 * share).ceil() as usize;
        let heap = best.entry_ref(target).or_default();
        heap.push(std::cmp::Reverse(Ordered(score)));
        if heap.len() > most.max(1) {
            heap.pop();
        }
    })?;
    Ok(best.into_iter().filter_map(|(target, heap)| Some((target, heap.peek()?.0.0))).collect())
}

fn each_score(parts: &[PathBuf], mut visit: impl FnMut(&str, f32)) -> Result<()> {
    for part in parts {
        let batch = whole(part)?;
        let (targets, scores) = (texts(&batch, TARGET)?, scores(&batch)?);
        for row in (0..batch.num_rows()).filter(|&row| scores.is_valid(row)) {
            visit(targets.value(row), scores.value(row));
        }
    }
    Ok(())
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| lost(name))
}

fn scores(batch: &RecordBatch) -> Result<&Float32Array> {
    column(batch, "score")?.as_primitive_opt::<Float32Type>().ok_or_else(|| lost("score"))
}

/// A number in its total order.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Rows that the fast model has scored.
struct Part {
    batch: RecordBatch,
}

/// Scores the best rows again.
struct Again {
    model: Scorer,
    rank: Rank,
    /// What each target's rows must reach.
    limits: OnceLock<HashMap<String, f32>>,
}

impl Again {
    /// The columns of the output, but for `error`.
    fn written(&self) -> SchemaRef {
        let mut fields: Vec<FieldRef> = self.model.written();
        fields.push(Arc::new(Field::new("tier", DataType::Utf8, true)));
        fields.push(Arc::new(Field::new("fast_score", DataType::Float32, true)));
        Arc::new(Schema::new(fields))
    }

    /// Which rows are scored again.
    fn chosen(&self, batch: &RecordBatch) -> Result<Vec<bool>> {
        let (targets, scores) = (texts(batch, TARGET)?, scores(batch)?);
        let limit = |row: usize| self.limits.get()?.get(targets.value(row)).copied();
        let reaches = |row: usize| limit(row).is_some_and(|limit| scores.is_valid(row) && scores.value(row) >= limit);
        Ok((0..batch.num_rows()).map(reaches).collect())
    }

    /// The rows of `chosen` as the better model sees them, in their order.
    fn rescored(&self, batch: &RecordBatch, chosen: &[bool]) -> Result<RecordBatch> {
        let (ids, smiles, keys) = (texts(batch, "drug_id")?, texts(batch, "smiles")?, texts(batch, TARGET)?);
        let rows: Vec<usize> = chosen.iter().enumerate().filter_map(|(row, chosen)| chosen.then_some(row)).collect();
        let entry = |&row: &usize| Entry {
            id: ids.value(row).to_owned(),
            source: Source::Smiles(smiles.value(row).to_owned()),
        };
        let block = Block { first: 0, entries: rows.iter().map(entry).collect(), pairs: None };
        let targets: Vec<usize> = rows.iter().map(|&row| keys.value(row).parse().unwrap_or(0)).collect();
        let scored = self.model.score_chosen(&block, &targets)?;
        let rows: Vec<Row> = targets
            .iter()
            .enumerate()
            .map(|(row, &target)| Row {
                row,
                entry: row,
                target: self.model.targets[target].id(),
                target_place: Some(target),
                place: scored.places[row].as_ref().ok().copied(),
            })
            .collect();
        let (config, shape) = (self.model.config(), &self.model.shape);
        Table { config, shape, block: &block, scored: &scored, rows: &rows }.build()
    }

    /// The rows with the better model's columns where they are `chosen`.
    fn joined(&self, batch: &RecordBatch, chosen: &[bool]) -> Result<RecordBatch> {
        let better = self.rescored(batch, chosen)?;
        // Where each row is among the better ones; any will do for the others.
        let places: UInt32Array = chosen
            .iter()
            .scan(0_u32, |next, &chosen| {
                let place = *next;
                *next += u32::from(chosen);
                Some(chosen.then_some(place))
            })
            .collect();
        let mask = BooleanArray::from(chosen.to_vec());
        let written = self.model.written();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in &written {
            let (old, new) = (column(batch, field.name())?, column(&better, field.name())?);
            let spread = arrow::compute::take(new, &places, None)?;
            columns.push(zip(&mask, &spread, old)?);
        }
        let valid = scores(batch)?;
        let tier = |(row, chosen): (usize, &bool)| valid.is_valid(row).then_some(if *chosen { "full" } else { "fast" });
        columns.push(Arc::new(chosen.iter().enumerate().map(tier).collect::<StringArray>()));
        columns.push(column(batch, "score")?.clone());
        for key in [TARGET, ROW, KIND, "error"] {
            columns.push(column(batch, key)?.clone());
        }
        let fields = self.written().fields().iter().cloned().chain(keys()).chain([error()]).collect::<Vec<_>>();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// The rows that are kept, in their order.
    fn ordered(&self, table: &RecordBatch, chosen: &[bool]) -> Result<RecordBatch> {
        let (targets, scores) = (texts(table, TARGET)?, scores(table)?);
        let numbers = column(table, ROW)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lost(ROW))?;
        let score = |row: usize| scores.is_valid(row).then(|| scores.value(row));
        let mut rows: Vec<usize> = (0..table.num_rows()).collect();
        if let Rank::Best(_) = self.rank {
            rows.retain(|&row| chosen[row] && scores.is_valid(row));
        }
        let group = |row: usize| (targets.value(row), !chosen[row]);
        rows.sort_by(|&a, &b| {
            let order = group(a).cmp(&group(b)).then_with(|| descending(score(a), score(b)));
            order.then(numbers.value(a).cmp(&numbers.value(b)))
        });
        if let Rank::Best(most) = self.rank {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            rows.retain(|&row| {
                let count = counts.entry(targets.value(row)).or_default();
                *count += 1;
                *count <= most
            });
        }
        let places: UInt32Array = rows.iter().map(|&row| u32::try_from(row).ok()).collect();
        let table = take_record_batch(table, &places)?;
        // Rows of the better model come before the others of their target.
        let named =
            rows.iter().map(|&row| Some(format!("{}{}", targets.value(row), if chosen[row] { "" } else { "~" })));
        let place = table.schema().index_of(TARGET)?;
        let mut columns = table.columns().to_vec();
        columns[place] = Arc::new(named.collect::<StringArray>());
        Ok(RecordBatch::try_new(table.schema(), columns)?)
    }
}

fn keys() -> [FieldRef; 3] {
    let field = |name: &str, kind, nullable| Arc::new(Field::new(name, kind, nullable));
    [field(TARGET, DataType::Utf8, false), field(ROW, DataType::UInt64, false), field(KIND, DataType::Utf8, true)]
}

fn error() -> FieldRef {
    Arc::new(Field::new("error", DataType::Utf8, true))
}

impl Conversion for Again {
    type Block = Part;

    fn schema(&self) -> SchemaRef {
        if self.rank == Rank::Input {
            return self.written();
        }
        let written = self.written();
        Arc::new(Schema::new(written.fields().iter().cloned().chain(keys()).collect::<Vec<_>>()))
    }

    fn rows(&self, part: &Part) -> usize {
        part.batch.num_rows()
    }

    fn keeps_rows(&self) -> bool {
        !matches!(self.rank, Rank::Best(_))
    }

    // The parts were checked against the input when they were made.
    fn digest(&self, part: &Part) -> u128 {
        let mut digest = Fingerprint::new();
        for name in [TARGET, ROW, "score"] {
            let column = part.batch.column_by_name(name).map(|column| column.to_data());
            for buffer in column.iter().flat_map(|data| data.buffers()) {
                digest.push(buffer.as_slice());
            }
        }
        digest.finish()
    }

    fn convert(&self, part: Part) -> Result<Converted, BoxError> {
        let chosen = self.chosen(&part.batch)?;
        let mut table = self.joined(&part.batch, &chosen)?;
        if self.rank != Rank::Input {
            table = self.ordered(&table, &chosen)?;
        }
        let (ids, kinds, reasons) = (texts(&table, "drug_id")?, texts(&table, KIND)?, texts(&table, "error")?);
        let refused = (0..table.num_rows()).filter(|&row| reasons.is_valid(row)).map(|row| RejectedRow {
            row,
            name: ids.value(row).to_owned(),
            rejection: Rejection { kind: kinds.value(row).to_owned(), reason: reasons.value(row).to_owned() },
        });
        let rejected = refused.collect();
        let names: Vec<usize> = self
            .schema()
            .fields()
            .iter()
            .map(|field| table.schema().index_of(field.name()))
            .collect::<Result<_, _>>()?;
        let tokens = chosen.iter().filter(|chosen| **chosen).count() as u64;
        Ok(Converted { table: table.project(&names)?, tokens, rejected })
    }
}
