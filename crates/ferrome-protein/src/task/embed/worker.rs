use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use ferrome_core::{
    device::is_out_of_memory,
    engine::{self, Failure, Lanes, Worker, WorkerFactory},
    table::{lists, vectors},
};
use tch::{Device, Kind, Tensor};

use super::{EmbedItem, EmbedOptions, EmbedTask, Pool, pool};
use crate::{
    Error, Result,
    model::{Batch, Esm, Resident},
};

/// One worker per CUDA device, or one per CPU lane over the same weights.
///
/// # Errors
///
/// Fails when the weights do not load on the CPU; on CUDA each worker loads its own when it starts, if it is not there yet.
pub fn workers(
    task: &EmbedTask,
    model: &Arc<Resident>,
    kind: Kind,
    devices: &[Device],
    lanes: Lanes,
) -> Result<Vec<WorkerFactory<EmbedItem>>> {
    let (model, options, output) = (Arc::clone(model), task.options.clone(), Arc::clone(&task.output));
    engine::workers(
        devices,
        lanes,
        move |device| model.load(kind, device),
        Esm::share,
        move |esm| {
            let (options, output) = (options.clone(), Arc::clone(&output));
            Box::new(EmbedWorker { esm, options, output, _no_grad: tch::no_grad_guard() })
        },
    )
}

struct EmbedWorker {
    esm: Esm,
    options: EmbedOptions,
    output: SchemaRef,
    _no_grad: tch::NoGradGuard,
}

impl Worker for EmbedWorker {
    type Item = EmbedItem;

    fn run(&mut self, batch: &[&EmbedItem]) -> Result<RecordBatch, Failure> {
        self.embed(batch).map_err(|error| match error {
            Error::Core(core) if is_out_of_memory(&core) => Failure::OutOfMemory,
            other => Failure::Fatal(other.into()),
        })
    }
}

impl EmbedWorker {
    fn embed(&self, items: &[&EmbedItem]) -> Result<RecordBatch> {
        let sequences: Vec<&[u8]> = items.iter().flat_map(|item| &item.windows).map(|w| w.tokens.as_slice()).collect();
        let batch = Batch::new(&sequences, self.esm.config(), self.esm.device())?;
        let blocks = self.esm.config().num_hidden_layers;
        let deepest = self.options.layers.iter().copied().max().unwrap_or(0);
        let until = if self.options.logits { blocks } else { deepest };
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.options.layers.len()];
        let last = self.esm.forward(&batch, until, |layer, x| {
            let place = self.options.layers.iter().position(|&asked| asked == layer);
            if let Some(column) = place.and_then(|place| columns.get_mut(place)) {
                let pool = self.options.pool;
                let pooled = each(items, |item, first| pool.apply(x, item, first))?;
                *column = Some(if pool == Pool::Residue { lists(&pooled)? } else { vectors(&pooled)? });
            }
            Ok(())
        })?;
        if self.options.logits {
            let logits = self.esm.logits(&last)?;
            columns.push(Some(lists(&each(items, |item, first| pool::residues(&logits, item, first))?)?));
        }
        let columns = columns.into_iter().flatten().collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.output), columns).map_err(ferrome_core::Error::from)?)
    }
}

// Calls `f` with each item and its first token in the packed batch.
fn each(items: &[&EmbedItem], f: impl Fn(&EmbedItem, i64) -> Result<Tensor>) -> Result<Vec<Tensor>> {
    let mut first = 0;
    items
        .iter()
        .map(|item| {
            let made = f(item, first);
            first += item.windows.iter().map(|w| i64::try_from(w.tokens.len()).unwrap_or(0)).sum::<i64>();
            made
        })
        .collect()
}
