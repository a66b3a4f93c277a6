use std::{collections::HashMap, path::Path};

use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use crate::{Error, Result, journal::write_whole};

/// Writes tensors as f32 into a safetensors file, whole or not at all, with `metadata` in its header.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_tensors(
    tensors: &[(String, &Tensor)],
    metadata: impl IntoIterator<Item = (String, String)>,
    path: &Path,
) -> Result<()> {
    write_tensors_as(tensors, Kind::Float, metadata, path)
}

/// As [`write_tensors`], as f32 ([`Kind::Float`]) or f16 ([`Kind::Half`]).
///
/// # Errors
///
/// The file cannot be written; another kind was asked for.
pub fn write_tensors_as(
    tensors: &[(String, &Tensor)],
    kind: Kind,
    metadata: impl IntoIterator<Item = (String, String)>,
    path: &Path,
) -> Result<()> {
    let dtype = match kind {
        Kind::Float => Dtype::F32,
        Kind::Half => Dtype::F16,
        other => return Err(Error::Torch(format!("tensors are written as f32 or f16, not as {other:?}"))),
    };
    let mut named = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let shape: Vec<usize> = tensor.size().iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        named.push((name, shape, bytes(tensor, kind)?));
    }
    let failed = |e: safetensors::SafeTensorError| Error::Table { path: path.to_owned(), reason: e.to_string() };
    let views = named
        .iter()
        .map(|(name, shape, data)| TensorView::new(dtype, shape.clone(), data).map(|view| (name.as_str(), view)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let metadata: HashMap<String, String> = metadata.into_iter().collect();
    write_whole(path, safetensors::serialize(views, Some(metadata)).map_err(failed)?)
}

/// A tensor's numbers in little-endian order.
fn bytes(tensor: &Tensor, kind: Kind) -> Result<Vec<u8>> {
    let tensor = tensor.f_detach()?.f_to_kind(kind)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    if kind == Kind::Half {
        let mut values = vec![0_i16; tensor.numel()];
        tensor.f_view_dtype(Kind::Int16)?.f_copy_data(&mut values, tensor.numel())?;
        return Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
    let mut values = vec![0.0_f32; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}
