use std::sync::Arc;

use arrow::{
    array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray, RecordBatch},
    buffer::OffsetBuffer,
    datatypes::{DataType, FieldRef, SchemaRef},
};
use ferrome_core::{
    device::is_out_of_memory,
    engine::{Failure, Worker, WorkerFactory},
};
use tch::{Device, Kind, Tensor};

use super::{EmbedItem, EmbedOptions, EmbedTask, Pool, pool};
use crate::{
    Error, Result,
    model::{Batch, Esm, OpenModel},
};

/// How the CPU is shared out: `lanes` batches at a time, each on `threads` threads of libtorch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lanes {
    /// Batches at a time.
    pub lanes: usize,
    /// Threads for each.
    pub threads: usize,
}

impl Lanes {
    /// One batch per thread, which needs no waiting for each other, as long as there are batches enough.
    #[must_use]
    pub fn share_out(threads: usize, batches: usize) -> Self {
        let lanes = threads.min(batches).max(1);
        Self { lanes, threads: (threads / lanes).max(1) }
    }
}

/// One worker per CUDA device, or one per CPU lane over the same weights.
///
/// # Errors
///
/// Fails when the weights do not load on the CPU; on CUDA each worker loads its own when it starts.
pub fn workers(
    task: &EmbedTask,
    model: &Arc<OpenModel>,
    kind: Kind,
    devices: &[Device],
    lanes: Lanes,
) -> Result<Vec<WorkerFactory<EmbedItem>>> {
    let mut factories: Vec<WorkerFactory<EmbedItem>> = Vec::new();
    for &device in devices {
        let (options, output) = (task.options.clone(), Arc::clone(&task.output));
        if device != Device::Cpu {
            let model = Arc::clone(model);
            factories.push(Box::new(move || {
                let esm = model.load(kind, device)?;
                Ok(Box::new(EmbedWorker { esm, options, output, _no_grad: tch::no_grad_guard() }) as Box<_>)
            }));
            continue;
        }
        tch::set_num_threads(threads_of(lanes));
        let esm = model.load(kind, device)?;
        for _ in 0..lanes.lanes {
            let (esm, options, output) = (esm.share(), options.clone(), Arc::clone(&output));
            factories.push(Box::new(move || {
                tch::set_num_threads(threads_of(lanes)); // OpenMP keeps this number per thread
                Ok(Box::new(EmbedWorker { esm, options, output, _no_grad: tch::no_grad_guard() }) as Box<_>)
            }));
        }
    }
    Ok(factories)
}

fn threads_of(lanes: Lanes) -> i32 {
    i32::try_from(lanes.threads).unwrap_or(1)
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

// `[n, d]` of all pieces -> n rows of width d.
fn vectors(pieces: &[Tensor]) -> Result<ArrayRef> {
    let rows = Tensor::f_cat(pieces, 0)?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let (n, d) = rows.size2()?;
    let mut values = vec![0.0_f32; rows.numel()];
    rows.f_copy_data(&mut values, rows.numel())?;
    let field: FieldRef = Arc::new(arrow::datatypes::Field::new_list_field(DataType::Float32, true));
    let (d, n) = (i32::try_from(d).unwrap_or(i32::MAX), usize::try_from(n).unwrap_or(0));
    let array = FixedSizeListArray::try_new_with_length(field, d, Arc::new(Float32Array::from(values)), None, n);
    Ok(Arc::new(array.map_err(ferrome_core::Error::from)?))
}

// One list per piece, of as many vectors as the piece has rows.
fn lists(pieces: &[Tensor]) -> Result<ArrayRef> {
    let rows =
        pieces.iter().map(|piece| Ok(usize::try_from(piece.size2()?.0).unwrap_or(0))).collect::<Result<Vec<_>>>()?;
    let values = vectors(pieces)?;
    let field = Arc::new(arrow::datatypes::Field::new_list_field(values.data_type().clone(), true));
    let lists = ListArray::try_new(field, OffsetBuffer::from_lengths(rows), values, None);
    Ok(Arc::new(lists.map_err(ferrome_core::Error::from)?))
}
