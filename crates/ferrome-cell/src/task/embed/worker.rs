use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, SchemaRef};
use ferrome_core::engine::{self, Failure, Lanes, Worker, WorkerFactory};
use ferrome_core::table::{lists, vectors};
use tch::{Device, Kind, Tensor};

use super::{EmbedItem, EmbedOptions, EmbedTask, Pool};
use crate::Result;
use crate::model::Encoder;
use crate::model::scgpt::CellTokens;
use crate::task::Resident;
use crate::task::perturb::Names;

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
    let names = task.names.clone();
    engine::workers(
        devices,
        lanes,
        move |device| model.embedder(kind, device),
        Encoder::share,
        move |model| {
            let (options, output, names) = (options.clone(), Arc::clone(&output), names.clone());
            Box::new(EmbedWorker { model, options, output, names, _no_grad: tch::no_grad_guard() })
        },
    )
}

struct EmbedWorker {
    model: Encoder,
    options: EmbedOptions,
    output: SchemaRef,
    names: Option<Arc<Names>>,
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
        let (pool, layer, unit) = (self.options.pool, self.options.layer, self.options.unit);
        let cells: Vec<CellTokens> = items.iter().map(|item| item.cell()).collect();
        let batches: Option<Vec<i64>> = items.iter().map(|item| item.batch).collect();
        let pooled: Vec<Tensor> = if pool == Pool::Cls && batches.is_none() {
            let x = self.model.represent_first(&cells, layer)?; // [n, d]
            (0..).zip(items).map(|(row, item)| pool.apply(&x, item, row, unit)).collect::<Result<_>>()?
        } else {
            let represented = match &batches {
                Some(batches) => self.model.represent_in_batches(&cells, batches, layer)?,
                None => self.model.represent(&cells, layer)?,
            };
            let spans = items.iter().zip(represented.sequences().spans());
            spans.map(|(item, (first, _))| pool.apply(&represented.x, item, first, unit)).collect::<Result<_>>()?
        };
        let columns = match pool {
            Pool::Gene => {
                let named = self.names.as_deref().map_or_else(|| Ok(Vec::new()), |names| named(items, names))?;
                [tokens(items)?].into_iter().chain(named).chain([lists(&pooled)?]).collect()
            }
            Pool::Cls | Pool::Mean => vec![vectors(&pooled)?],
        };
        Ok(RecordBatch::try_new(Arc::clone(&self.output), columns)?)
    }
}

// The tokens of each cell that are genes.
fn tokens(items: &[&EmbedItem]) -> Result<ArrayRef> {
    let values: Int32Array = genes(items).map(Some).collect();
    list(items, Arc::new(values))
}

// Their ids, and their symbols where the vocabulary has symbols.
fn named(items: &[&EmbedItem], names: &Names) -> Result<Vec<ArrayRef>> {
    let ids: StringArray = genes(items).map(|token| names.id(token)).collect();
    let symbols = || genes(items).map(|token| names.symbol(token)).collect::<StringArray>();
    let symbols = names.has_symbols().then(|| list(items, Arc::new(symbols())));
    [Some(list(items, Arc::new(ids))), symbols].into_iter().flatten().collect()
}

fn genes(items: &[&EmbedItem]) -> impl Iterator<Item = i32> {
    items.iter().flat_map(|item| item.tokens.get(item.genes.clone()).unwrap_or_default().iter().copied())
}

fn list(items: &[&EmbedItem], values: ArrayRef) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(items.iter().map(|item| item.genes.len()));
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?))
}
