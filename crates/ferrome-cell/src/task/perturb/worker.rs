use std::sync::{Arc, PoisonError};

use arrow::array::{ArrayRef, Float32Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use ferrome_core::engine::{Failure, Worker, WorkerFactory};
use tch::{Device, Kind, Tensor};

use super::cells::Original;
use super::compare::{Compared, compare, numbers, unit, vectors};
use super::{PerturbItem, PerturbTask, Screen};
use crate::model::{Batch, Geneformer, OpenGeneformer};
use crate::{Error, Result};

/// One model per CUDA device, or `lanes` handles on one model on the CPU.
///
/// # Errors
///
/// The weights do not load.
pub fn models(open: &OpenGeneformer, kind: Kind, devices: &[Device], lanes: usize) -> Result<Vec<Geneformer>> {
    let mut models = Vec::new();
    for &device in devices {
        let model = open.load(kind, device)?;
        if device == Device::Cpu {
            models.extend((1..lanes).map(|_| model.share()));
        }
        models.push(model);
    }
    Ok(models)
}

/// One worker per model. `threads` is how many of libtorch each has on a CPU; `states` are their vectors, in the screen's order.
#[must_use]
pub fn workers(
    task: &PerturbTask,
    models: Vec<Geneformer>,
    threads: usize,
    states: &[Vec<f32>],
) -> Vec<WorkerFactory<PerturbItem>> {
    let factory = |model: Geneformer| -> WorkerFactory<PerturbItem> {
        let (screen, output, states) = (Arc::clone(&task.screen), Arc::clone(&task.output), states.to_vec());
        Box::new(move || {
            tch::set_num_threads(i32::try_from(threads).unwrap_or(1)); // OpenMP keeps this number per thread
            let no_grad = tch::no_grad_guard();
            let states = on_device(&states, model.device())?;
            Ok(Box::new(PerturbWorker { model, screen, output, states, _no_grad: no_grad }) as Box<_>)
        })
    };
    models.into_iter().map(factory).collect()
}

// `[states, d]`, each of length 1.
fn on_device(states: &[Vec<f32>], device: Device) -> Result<Option<Tensor>> {
    let rows = states.iter().map(|state| Ok(Tensor::f_from_slice(state)?)).collect::<Result<Vec<_>>>()?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(unit(&Tensor::f_stack(&rows, 0)?)?.f_to_device(device)?))
}

struct PerturbWorker {
    model: Geneformer,
    screen: Arc<Screen>,
    output: SchemaRef,
    states: Option<Tensor>,
    _no_grad: tch::NoGradGuard,
}

impl Worker for PerturbWorker {
    type Item = PerturbItem;

    fn run(&mut self, batch: &[&PerturbItem]) -> Result<RecordBatch, Failure> {
        self.perturb(batch).map_err(Failure::from)
    }
}

/// What the model says of some cells, one after another: `[t, d]` and where each lies, or `[n, d]` of their first tokens.
pub(super) fn represent(model: &Geneformer, screen: &Screen, cells: &[&[i32]]) -> Result<Vec<Tensor>> {
    let batch = Batch::new(cells, model.device())?;
    if !screen.needs_genes() {
        let x = model.forward_first(&batch, screen.layer)?;
        return (0..).zip(cells).map(|(i, _)| Ok(x.f_narrow(0, i, 1)?)).collect();
    }
    let x = model.forward(&batch, screen.layer, |_, _| Ok(()))?;
    batch.sequences.spans().map(|(start, length)| Ok(x.f_narrow(0, start, length)?)).collect()
}

impl PerturbWorker {
    fn perturb(&self, items: &[&PerturbItem]) -> Result<RecordBatch> {
        let cells: Vec<&[i32]> = items.iter().map(|item| item.tokens.as_slice()).collect();
        let after = represent(&self.model, &self.screen, &cells)?;
        let compared = items.iter().zip(&after).map(|(item, x)| self.compare(x, item)).collect::<Result<Vec<_>>>()?;
        let columns = self.columns(&compared)?;
        Ok(RecordBatch::try_new(Arc::clone(&self.output), columns)?)
    }

    fn compare(&self, x: &Tensor, item: &PerturbItem) -> Result<Compared> {
        let mut before = item.original.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match before.take() {
            Some(known) => before.insert(known),
            None => before.insert(self.before(&item.original)?),
        };
        compare(x, item, before, &self.screen, self.states.as_ref())
    }

    // In a batch of its own, so that it does not depend on which of its perturbations asks first.
    fn before(&self, original: &Original) -> Result<super::cells::Vectors> {
        let alone = represent(&self.model, &self.screen, &[original.tokens.as_slice()])?;
        vectors(alone.first().ok_or_else(|| Error::Perturb("a batch of one cell is empty".into()))?, &self.screen)
    }

    fn columns(&self, compared: &[Compared]) -> Result<Vec<ArrayRef>> {
        let cells: Vec<&Tensor> = compared.iter().map(|one| &one.cell).collect();
        let cells = Tensor::f_stack(&cells, 1)?; // [1 + states, n]
        let (columns, _) = cells.size2()?;
        let column = |i| Ok(Arc::new(Float32Array::from(numbers(&cells.f_select(0, i)?)?)) as ArrayRef);
        let mut columns = (0..columns).map(column).collect::<Result<Vec<_>>>()?;
        if self.screen.per_gene {
            let genes = compared.iter().filter_map(|one| one.genes.as_ref());
            let lengths: Vec<usize> = genes.clone().map(|(genes, _)| genes.len()).collect();
            let tokens: Vec<i32> = genes.clone().flat_map(|(genes, _)| genes.iter().copied()).collect();
            let cosines = genes.map(|(_, cosines)| numbers(cosines)).collect::<Result<Vec<_>>>()?.concat();
            columns.push(lists(DataType::Int32, &lengths, Arc::new(arrow::array::Int32Array::from(tokens)))?);
            columns.push(lists(DataType::Float32, &lengths, Arc::new(Float32Array::from(cosines)))?);
        }
        Ok(columns)
    }
}

fn lists(item: DataType, lengths: &[usize], values: ArrayRef) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    Ok(Arc::new(ListArray::try_new(Arc::new(Field::new_list_field(item, true)), offsets, values, None)?))
}
