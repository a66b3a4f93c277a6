//! Vectors that are too many to be held, in their main directions.

use tch::{Device, Kind, Tensor};

use crate::read::Source;
use crate::vectors::Vectors;
use crate::{Error, Request, Result};

/// How much memory vectors take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of vectors that are held as they are; larger ones in their main directions.
    pub(crate) held: u64,
    /// Bytes of what is held instead.
    pub(crate) reduced: u64,
    /// Directions at least.
    pub(crate) least: u64,
}

/// Half a gigabyte.
pub(crate) const LIMITS: Limits = Limits { held: 512 << 20, reduced: 256 << 20, least: 32 };
/// Main directions of vectors that are too many to be held: dot products change least.
pub(super) struct Reduction {
    /// `[d, k]`.
    pub(super) directions: Tensor,
    /// Of the squared lengths.
    pub(super) share: f64,
}

impl Reduction {
    /// `[n, d]` as a list -> `[n, k]` as a list.
    pub(super) fn apply(&self, values: &[f32], width: usize) -> Result<Vec<f32>> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let _guard = tch::no_grad_guard();
        let rows = Tensor::f_from_slice(values)?.f_view([-1, i64::try_from(width).unwrap_or(1)])?;
        Ok(Vec::try_from(rows.f_matmul(&self.directions)?.f_reshape([-1])?)?)
    }
}

/// The reduction that the vectors need, if they need one: from the second moments of a pass over them.
pub(super) fn reduction(
    source: &dyn Source,
    vectors: &Vectors,
    mask: Option<&[bool]>,
    (request, limits): (&Request, Limits),
) -> Result<Option<Reduction>> {
    let rows = mask.map_or(source.about().rows, |_| request.points as u64).max(1);
    let mut moments: Option<Tensor> = None;
    let (mut width, mut first) = (0, 0);
    let _guard = tch::no_grad_guard();
    for batch in source.batches(vectors.places())? {
        let batch = batch?;
        let known = (width > 0).then_some(width);
        let block = vectors.block(&batch, vectors.places(), known);
        let mut block = block.map_err(|reason| Error::table(&request.table, reason))?;
        width = block.width;
        if rows * width as u64 * 4 <= limits.held && width > 0 {
            return Ok(None);
        }
        for (row, line) in block.values.chunks_mut(width.max(1)).enumerate() {
            if mask.is_some_and(|mask| !mask.get(first + row).copied().unwrap_or(false)) {
                line.fill(0.0);
            }
        }
        first += batch.num_rows();
        if width == 0 {
            continue;
        }
        let d = i64::try_from(width).unwrap_or(1);
        let lines = Tensor::f_from_slice(&block.values)?.f_view([-1, d])?;
        let sum = lines.f_tr()?.f_matmul(&lines)?.f_to_kind(Kind::Double)?;
        moments = Some(match moments {
            Some(moments) => moments.f_add(&sum)?,
            None => sum,
        });
    }
    let Some(moments) = moments else { return Ok(None) };
    let k = (limits.reduced / 4 / rows).max(limits.least).min(width as u64);
    let k = i64::try_from(k).unwrap_or(1);
    let (values, directions) = moments.f_linalg_eigh("L")?; // ascending; [d], [d, d] by columns
    let d = i64::try_from(width).unwrap_or(1);
    let held = values.f_narrow(0, d - k, k)?.f_sum(Kind::Double)?.f_double_value(&[])?;
    let share = held / values.f_sum(Kind::Double)?.f_double_value(&[])?.max(1e-300);
    let directions = directions.f_narrow(1, d - k, k)?.f_flip([1])?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
    Ok(Some(Reduction { directions: directions.f_contiguous()?, share }))
}
