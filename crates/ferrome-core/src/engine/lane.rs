//! A lane: one thread that owns a model and computes batches, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow::compute::concat_batches;
use crossbeam_channel::{Receiver, Sender};

use super::control::{Control, Message};
use super::plan::Input;
use super::{Failure, Worker, WorkerFactory, spill};
use crate::table::Columns;
use crate::{Error, Result};

/// The kind of a record that no device has room for.
pub(super) const OUT_OF_MEMORY: &str = "out of memory";

/// A batch on its way to a lane.
pub(super) struct Batch<I> {
    pub(super) part: usize,
    pub(super) inputs: Vec<Input<I>>,
    pub(super) digest: u128,
    pub(super) path: PathBuf,
}

/// What all lanes share.
pub(super) struct Lane<'a, I> {
    pub(super) queue: Receiver<Batch<I>>,
    pub(super) messages: Sender<Message>,
    pub(super) control: &'a Control,
    pub(super) columns: &'a Columns,
    pub(super) strict: bool,
}

impl<I> Lane<'_, I> {
    /// Builds the worker, and computes and spills batches until there are no more or the run stops.
    pub(super) fn run(self, factory: WorkerFactory<I>) {
        // A lane that is gone without a word would leave the run waiting for its batch.
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(factory)));
        if let Err(error) = served.unwrap_or(Err(Error::Panicked)) {
            self.control.fail(error);
        }
    }

    fn serve(&self, factory: WorkerFactory<I>) -> Result<()> {
        let mut worker = factory().map_err(Error::Worker)?;
        while let Ok(batch) = self.queue.recv() {
            if self.control.stopped() {
                break;
            }
            let inputs: Vec<&Input<I>> = batch.inputs.iter().collect();
            let computed = self.compute(worker.as_mut(), &inputs)?;
            spill::write(&batch.path, &computed, batch.digest)?;
            let tokens = inputs.iter().map(|input| input.unit.tokens as u64).sum();
            let rows = inputs.len() as u64;
            // Nobody listens once the run has failed; the batch is safe on disk.
            let _ = self.messages.send(Message::Computed { part: batch.part, rows, tokens });
        }
        Ok(())
    }

    /// The model's columns and `error` for `inputs`; halved as often as the device asks for it.
    fn compute(&self, worker: &mut dyn Worker<Item = I>, inputs: &[&Input<I>]) -> Result<RecordBatch> {
        let items: Vec<&I> = inputs.iter().map(|input| &input.unit.item).collect();
        match worker.run(&items) {
            Ok(output) => self.complete(&output, inputs.len()),
            Err(Failure::Fatal(error)) => Err(Error::Worker(error)),
            Err(Failure::OutOfMemory) => match inputs {
                [] => Ok(RecordBatch::new_empty(self.columns.computed.clone())),
                [input] => self.reject(input),
                _ => {
                    let (first, second) = inputs.split_at(inputs.len() / 2);
                    let halves = [self.compute(worker, first)?, self.compute(worker, second)?];
                    Ok(concat_batches(&self.columns.computed, &halves)?)
                }
            },
        }
    }

    /// Checks the model's columns, and adds an `error` without errors.
    fn complete(&self, output: &RecordBatch, rows: usize) -> Result<RecordBatch> {
        let error: ArrayRef = Arc::new(StringArray::new_null(rows));
        let columns = output.columns().iter().cloned().chain([error]).collect();
        RecordBatch::try_new(self.columns.computed.clone(), columns).map_err(|_| Error::WorkerShape {
            expected: shape(rows, &self.columns.model),
            found: shape(output.num_rows(), &output.schema()),
        })
    }

    /// A row of nulls for an input that does not fit even alone.
    fn reject(&self, input: &Input<I>) -> Result<RecordBatch> {
        let reason = format!("{} tokens do not fit into the device's memory, even alone", input.unit.tokens);
        if self.strict {
            return Err(Error::Rejected { name: input.name.clone(), reason });
        }
        let nulls = self.columns.model.fields().iter().map(|field| new_null_array(field.data_type(), 1));
        let error: ArrayRef = Arc::new(StringArray::from(vec![reason]));
        Ok(RecordBatch::try_new(self.columns.computed.clone(), nulls.chain([error]).collect())?)
    }
}

fn shape(rows: usize, schema: &arrow::datatypes::Schema) -> String {
    let columns: Vec<String> =
        schema.fields().iter().map(|field| format!("{} ({})", field.name(), field.data_type())).collect();
    format!("{rows} rows of {}", columns.join(" and "))
}
