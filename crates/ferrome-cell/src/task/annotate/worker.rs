use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use ferrome_core::engine::{self, Failure, Lanes, Worker, WorkerFactory};
use tch::{Device, Kind, Tensor};

use super::{AnnotateTask, UNASSIGNED};
use crate::Result;
use crate::model::scgpt::CellTokens;
use crate::model::{Classes, Classifier};
use crate::task::Resident;
use crate::task::embed::EmbedItem;

/// One worker per CUDA device, or one per CPU lane over the same weights.
///
/// # Errors
///
/// Fails when the weights do not load on the CPU; on CUDA each worker loads its own when it starts.
pub fn workers(
    task: &AnnotateTask,
    model: &Arc<Resident>,
    kind: Kind,
    devices: &[Device],
    lanes: Lanes,
) -> Result<Vec<WorkerFactory<EmbedItem>>> {
    let (model, classes, threshold) = (Arc::clone(model), task.classes.clone(), task.threshold);
    let (for_worker, output) = (classes.clone(), Arc::clone(&task.output));
    engine::workers(
        devices,
        lanes,
        move |device| model.classifier(&classes, kind, device),
        Classifier::share,
        move |model| {
            let (classes, output) = (for_worker.clone(), Arc::clone(&output));
            Box::new(AnnotateWorker { model, classes, threshold, output, _no_grad: tch::no_grad_guard() })
        },
    )
}

struct AnnotateWorker {
    model: Classifier,
    classes: Classes,
    threshold: f64,
    output: SchemaRef,
    _no_grad: tch::NoGradGuard,
}

impl Worker for AnnotateWorker {
    type Item = EmbedItem;

    fn run(&mut self, batch: &[&EmbedItem]) -> Result<RecordBatch, Failure> {
        self.annotate(batch).map_err(Failure::from)
    }
}

impl AnnotateWorker {
    fn annotate(&self, items: &[&EmbedItem]) -> Result<RecordBatch> {
        let cells: Vec<CellTokens> = items.iter().map(|item| item.cell()).collect();
        let logits = self.model.logits(&cells)?; // [n, classes]
        let log_p = logits.f_to_kind(Kind::Float)?.f_log_softmax(1, Kind::Float)?;
        let p = log_p.f_exp()?;
        let entropy = p.f_mul(&log_p)?.f_sum_dim_intlist(1, false, Kind::Float)?.f_neg()?;
        let (probability, class) = p.f_max_dim(1, false)?;
        let probability = numbers(&probability)?;
        let class = numbers(&class.f_to_kind(Kind::Float)?)?;
        let label = |(class, probability): (&f32, &f32)| {
            let name = self.classes.names.get(*class as usize).map_or("", String::as_str);
            if f64::from(*probability) < self.threshold { UNASSIGNED } else { name }
        };
        let labels: StringArray = class.iter().zip(&probability).map(label).map(Some).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(labels),
            Arc::new(Float32Array::from(probability)),
            Arc::new(Float32Array::from(numbers(&entropy)?)),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.output), columns)?)
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}
