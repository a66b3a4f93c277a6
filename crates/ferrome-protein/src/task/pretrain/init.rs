use std::path::Path;

use ferrome_core::{nn::Loader, weights::Checkpoint};
use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use super::save::checkpoint_names;
use crate::{
    Error, Result,
    model::{Config, Esm},
};

/// A model with random weights: matrices normal with standard deviation 0.02 (as BERT), biases 0, LayerNorms 1.
///
/// # Errors
///
/// Fails when there is no room.
pub(super) fn random(config: &Config, seed: u64, device: Device) -> Result<Esm> {
    tch::manual_seed(i64::try_from(seed).unwrap_or(i64::MAX));
    let shapes = checkpoint_names(config);
    let mut tensors = Vec::with_capacity(shapes.len());
    for (name, shape) in shapes {
        let options = (Kind::Float, Device::Cpu);
        // The only vectors called `weight` are those of LayerNorms.
        let values = match (shape.len(), name.ends_with(".weight")) {
            (2, _) => Tensor::f_randn(&shape, options)?.f_mul_scalar(0.02)?,
            (_, true) => Tensor::f_ones(&shape, options)?,
            (_, false) => Tensor::f_zeros(&shape, options)?,
        };
        tensors.push((name, shape, bytes(&values)?));
    }
    let views = tensors.iter().map(|(name, shape, data)| {
        let shape = shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        TensorView::new(Dtype::F32, shape, data).map(|view| (name, view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|e| Error::Save(e.to_string()))?;
    let file = safetensors::serialize(views, None).map_err(|e| Error::Save(e.to_string()))?;
    let checkpoint = Checkpoint::from_bytes(Path::new("random.safetensors"), file)?;
    Esm::load(Loader::new(&checkpoint, Kind::Float, device), config.clone(), device)
}

/// A tensor's numbers as little-endian f32.
fn bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let tensor = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0.0_f32; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}
