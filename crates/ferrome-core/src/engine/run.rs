//! Running a job from start to finish.

use std::thread;
use std::time::Instant;

use crossbeam_channel::{bounded, unbounded};

use super::assemble::{Assembler, Done};
use super::control::Control;
use super::feed::Feeder;
use super::lane::Lane;
use super::{BoxError, Job, Options, Summary, Task, Totals, WorkerFactory};
use crate::journal::{RunDescription, Statistics, Workplace};
use crate::progress::Progress;
use crate::table::{Columns, Format, Output, merge};
use crate::{Error, Result};

/// Windows that may be in work at once: one is written, one is computed, one is read.
const WINDOWS_IN_WORK: usize = 3;

/// Runs `job` over `records` on `workers`, going on where an earlier run with the same description stopped.
///
/// # Errors
///
/// [`Error`]; what is done is kept, and the same call goes on from there.
pub fn run<T, R>(job: Job<'_, T>, records: R, workers: Vec<WorkerFactory<T::Item>>) -> Result<Summary>
where
    T: Task,
    R: Iterator<Item = Result<T::Record, BoxError>> + Send,
{
    let start = Instant::now();
    if workers.is_empty() {
        return Err(Error::NoWorkers);
    }
    let columns = Columns::new(&job.task.describe(&[])?.schema(), job.task.output_schema());
    columns.check(&job.output)?;
    let place = match begin(&job.output, describe(&job), &job.options)? {
        Begun::Working(place) => place,
        Begun::Done(summary) => return Ok(*summary),
    };
    let done = match earlier(&place)? {
        Some(done) => done,
        None => {
            let control = Control::new(job.options.interrupt.clone());
            let done = compute(&job, &place, &columns, &control, records, workers)?;
            control.failure().map_or(Ok(done), Err)?
        }
    };
    conclude(place, &columns, done, &job.options, job.totals, start)
}

/// How a run begins.
pub(super) enum Begun {
    /// In a place of its own.
    Working(Workplace),
    /// Its shard was finished before.
    Done(Box<Summary>),
}

/// Locks the output, after joining the plan of its shard where it has one.
pub(super) fn begin(output: &Output, description: RunDescription, options: &Options) -> Result<Begun> {
    let begun = options.portion.as_ref().map(|portion| portion.begin(&description, options.overwrite)).transpose()?;
    let description = match begun {
        Some(begun) => match begun.done {
            Some(done) => {
                refuse_rejected(&done, options)?;
                return Ok(Begun::Done(Box::new(Summary::of_parts(&done))));
            }
            None => begun.description,
        },
        None => description,
    };
    Workplace::start(output.clone(), description, options.overwrite).map(Begun::Working)
}

/// With `--strict`: refuses what earlier runs rejected.
fn refuse_rejected(done: &Statistics, options: &Options) -> Result<()> {
    match done.rejected.first().filter(|_| options.strict) {
        Some(rejected) => Err(Error::Rejected { name: rejected.first.clone(), reason: rejected.kind.clone() }),
        None => Ok(()),
    }
}

/// Joins the parts where the output is one file, and tidies up.
pub(super) fn conclude(
    place: Workplace,
    columns: &Columns,
    done: Done,
    options: &Options,
    totals: Option<Totals>,
    start: Instant,
) -> Result<Summary> {
    if let Err(rejected) = refuse_rejected(&done.statistics, options) {
        if place.output.format() == Format::Dataset {
            place.close()?;
        }
        return Err(rejected);
    }
    let stop = || options.interrupt.is_raised();
    if !done.complete || !(done.merged || merge(&place, columns, &done.statistics, stop)?) {
        return Err(interrupted(options, totals, done.statistics.rows + done.loose_rows));
    }
    if let Some(portion) = &options.portion {
        portion.finish(&place.description, &done.statistics)?;
    }
    place.close()?;
    Ok(Summary::new(done, start.elapsed().as_secs_f64()))
}

/// What an earlier run did, when it did everything: at most the output file is missing.
pub(super) fn earlier(place: &Workplace) -> Result<Option<Done>> {
    let merged = place.merged()?;
    let parts = if merged.is_none() { place.complete()? } else { None };
    let mut statistics = Statistics::default();
    for done in merged.iter().chain(parts.iter().flatten().map(|part| &part.statistics)) {
        statistics.add(done);
    }
    if merged.is_none() && parts.is_none() {
        return Ok(None);
    }
    let merged = merged.is_some() || place.output.format() == Format::Dataset;
    Ok(Some(Done { resumed_rows: statistics.rows, statistics, complete: true, merged, ..Done::default() }))
}

/// Puts the version and what decides the composition of batches around the caller's entries.
fn describe<T: Task>(job: &Job<'_, T>) -> RunDescription {
    versioned(&job.description)
        .with("layout", job.task.layout().name())
        .with("batch_tokens", job.options.batch_tokens)
        .with("window_tokens", job.options.window_tokens())
        .with("window_rows", job.options.window_rows)
}

/// A description that begins with the version.
pub(super) fn versioned(entries: &RunDescription) -> RunDescription {
    let mut description = RunDescription::new().with("version", env!("CARGO_PKG_VERSION"));
    for (key, value) in entries.entries() {
        description.set(key, value);
    }
    description
}

/// Runs feeder, lanes and assembler until there is nothing more to do, or the run stops.
fn compute<T, R>(
    job: &Job<'_, T>,
    place: &Workplace,
    columns: &Columns,
    control: &Control,
    records: R,
    workers: Vec<WorkerFactory<T::Item>>,
) -> Result<Done>
where
    T: Task,
    R: Iterator<Item = Result<T::Record, BoxError>> + Send,
{
    let Options { strict, quiet, .. } = job.options;
    let (queue, batches) = bounded(workers.len());
    let (tell, messages) = unbounded();
    let (permit, permits) = bounded(WINDOWS_IN_WORK);
    for _ in 0..WINDOWS_IN_WORK {
        let _ = permit.send(());
    }
    let (task, options) = (job.task, &job.options);
    let feeder = Feeder { task, options, place, control, queue, messages: tell.clone(), permits };
    let assembler = Assembler::new(place, columns, control, permit, Progress::new(job.totals, quiet));
    thread::scope(|scope| {
        let lanes = workers.into_iter().map(|factory| {
            let lane = Lane { queue: batches.clone(), messages: tell.clone(), control, columns, strict };
            scope.spawn(move || lane.run(factory))
        });
        let mut threads: Vec<_> = lanes.collect();
        threads.push(scope.spawn(move || feeder.run(records)));
        // The channels close when the last thread that holds them ends.
        drop((batches, tell));
        let done = assembler.run(&messages);
        let panicked = threads.into_iter().filter_map(|thread| thread.join().err()).count() > 0;
        if panicked { Err(Error::Panicked) } else { Ok(done) }
    })
}

/// The error of a run that someone stopped.
fn interrupted(options: &Options, totals: Option<Totals>, done: u64) -> Error {
    let go_on = if options.overwrite {
        "run the same command again without --overwrite to go on"
    } else {
        "run the same command again to go on"
    };
    Error::Interrupted { done, total: totals.map(|totals| totals.rows), go_on: go_on.to_owned() }
}
