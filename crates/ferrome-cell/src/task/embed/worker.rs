use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use ferrome_core::engine::{self, Failure, Lanes, Worker, WorkerFactory};
use ferrome_core::table::{lists, vectors};
use tch::{Device, Kind, Tensor};

use super::loaded::Loaded;
use super::{EmbedItem, EmbedOptions, EmbedTask, Pool};
use crate::Result;
use crate::task::Resident;

/// One worker per CUDA device, or one per CPU lane over the same weights.
///
/// # Errors
///
/// Fails when the weights do not load on the CPU; on CUDA each worker loads its own when it starts.
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
        move |device| model.embedder(kind, device),
        Loaded::share,
        move |model| {
            let (options, output) = (options.clone(), Arc::clone(&output));
            Box::new(EmbedWorker { model, options, output, _no_grad: tch::no_grad_guard() })
        },
    )
}

struct EmbedWorker {
    model: Loaded,
    options: EmbedOptions,
    output: SchemaRef,
    _no_grad: tch::NoGradGuard,
}

impl Worker for EmbedWorker {
    type Item = EmbedItem;

    fn run(&mut self, batch: &[&EmbedItem]) -> Result<RecordBatch, Failure> {
        self.embed(batch).map_err(Failure::from)
    }
}

impl EmbedWorker {
    fn embed(&self, items: &[&EmbedItem]) -> Result<RecordBatch> {
        let (x, sequences) = self.model.forward(items, self.options.layer)?;
        let (pool, unit) = (self.options.pool, self.options.unit);
        let pooled = items.iter().zip(sequences.spans());
        let pooled = pooled.map(|(item, (first, _))| pool.apply(&x, item, first, unit));
        let pooled: Vec<Tensor> = pooled.collect::<Result<_>>()?;
        let columns = match pool {
            Pool::Gene => vec![tokens(items)?, lists(&pooled)?],
            Pool::Cls | Pool::Mean => vec![vectors(&pooled)?],
        };
        Ok(RecordBatch::try_new(Arc::clone(&self.output), columns)?)
    }
}

// The tokens of each cell that are genes.
fn tokens(items: &[&EmbedItem]) -> Result<ArrayRef> {
    let genes = |item: &&EmbedItem| item.tokens.get(item.genes.clone()).unwrap_or_default().to_vec();
    let values: Int32Array = items.iter().flat_map(genes).map(Some).collect();
    let offsets = OffsetBuffer::from_lengths(items.iter().map(|item| item.genes.len()));
    let field = Arc::new(Field::new_list_field(DataType::Int32, true));
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(values), None)?))
}
