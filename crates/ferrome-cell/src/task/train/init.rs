//! Encoders with random weights.

use std::path::Path;

use ferrome_core::{nn::Loader, weights::Checkpoint};
use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use crate::model::{Encoder, Geneformer, GeneformerConfig, Shape, scgpt};
use crate::{Error, Result};

/// Names and shapes of all tensors of `BertForMaskedLM`.
fn shapes(config: &GeneformerConfig) -> Vec<(String, Vec<i64>)> {
    let (d, f, v) = (config.hidden_size, config.intermediate_size, config.vocab_size);
    let linear = |name: &str, rows: i64, columns: i64| {
        [(format!("{name}.weight"), vec![rows, columns]), (format!("{name}.bias"), vec![rows])]
    };
    let norm = |name: &str| [(format!("{name}.weight"), vec![d]), (format!("{name}.bias"), vec![d])];
    let table = |name: &str, rows: i64| (format!("bert.embeddings.{name}.weight"), vec![rows, d]);
    let mut all = vec![
        table("word_embeddings", v),
        table("position_embeddings", config.max_position_embeddings),
        table("token_type_embeddings", config.type_vocab_size),
    ];
    all.extend(norm("bert.embeddings.LayerNorm"));
    for layer in (0..config.num_hidden_layers).map(|i| format!("bert.encoder.layer.{i}")) {
        let attention = ["query", "key", "value"].map(|part| format!("{layer}.attention.self.{part}"));
        all.extend(attention.iter().flat_map(|name| linear(name, d, d)));
        all.extend(linear(&format!("{layer}.attention.output.dense"), d, d));
        all.extend(norm(&format!("{layer}.attention.output.LayerNorm")));
        all.extend(linear(&format!("{layer}.intermediate.dense"), f, d));
        all.extend(linear(&format!("{layer}.output.dense"), d, f));
        all.extend(norm(&format!("{layer}.output.LayerNorm")));
    }
    all.push(("cls.predictions.bias".into(), vec![v]));
    all.extend(linear("cls.predictions.transform.dense", d, d));
    all.extend(norm("cls.predictions.transform.LayerNorm"));
    all
}

/// An encoder of this shape; drawn from libtorch's generator, which an scGPT seeds anew.
pub(super) fn random(shape: &Shape, seed: u64, device: Device) -> Result<Encoder> {
    Ok(match shape {
        Shape::Geneformer(config) => Encoder::Geneformer(Box::new(geneformer(config, device)?)),
        Shape::ScGpt(config) => Encoder::ScGpt(Box::new(scgpt::random_model(config, seed, device)?)),
    })
}

/// Matrices normal with a standard deviation of 0.02, as BERT; biases 0, LayerNorms 1. Drawn from libtorch's generator.
fn geneformer(config: &GeneformerConfig, device: Device) -> Result<Geneformer> {
    let mut tensors = Vec::new();
    for (name, shape) in shapes(config) {
        let options = (Kind::Float, Device::Cpu);
        // The only vectors called `weight` are those of LayerNorms.
        let values = match (shape.len(), name.ends_with(".weight")) {
            (2, _) => Tensor::f_randn(&shape, options)?.f_mul_scalar(0.02)?,
            (_, true) => Tensor::f_ones(&shape, options)?,
            (_, false) => Tensor::f_zeros(&shape, options)?,
        };
        let mut numbers = vec![0.0_f32; values.numel()];
        values.f_copy_data(&mut numbers, values.numel())?;
        tensors.push((name, shape, numbers.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()));
    }
    let failed = |e: safetensors::SafeTensorError| Error::Train(format!("random weights: {e}"));
    let views = tensors.iter().map(|(name, shape, data)| {
        let shape = shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        TensorView::new(Dtype::F32, shape, data).map(|view| (name, view))
    });
    let file = safetensors::serialize(views.collect::<Result<Vec<_>, _>>().map_err(failed)?, None).map_err(failed)?;
    let checkpoint = Checkpoint::from_bytes(Path::new("random.safetensors"), file)?;
    Geneformer::load(Loader::new(&checkpoint, Kind::Float, device), config.clone(), device)
}
