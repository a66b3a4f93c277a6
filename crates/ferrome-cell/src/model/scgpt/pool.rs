use tch::{Kind, Tensor};

use super::{Batch, CellStyle};
use crate::neighbours::unit_rows;
use crate::{Error, Result};

/// One vector per cell: `[t, d] -> [n, d]`.
pub(super) fn cells(x: &Tensor, batch: &Batch, style: CellStyle) -> Result<Tensor> {
    match style {
        CellStyle::Cls => first(x, batch),
        CellStyle::AvgPool => {
            let lengths: Vec<f32> = batch.sequences.spans().map(|(_, length)| length.max(1) as f32).collect();
            let lengths = Tensor::f_from_slice(&lengths)?.f_to_device(x.device())?.f_unsqueeze(1)?;
            Ok(sums(x, batch)?.f_div(&lengths)?)
        }
        CellStyle::WPool => {
            let weighted = x.f_to_kind(Kind::Float)?.f_mul(&batch.values().f_unsqueeze(1)?)?;
            unit_rows(&sums(&weighted, batch)?)
        }
    }
}

fn first(x: &Tensor, batch: &Batch) -> Result<Tensor> {
    let starts: Vec<i64> = batch.sequences.spans().map(|(start, _)| start).collect();
    if batch.sequences.spans().any(|(_, length)| length == 0) {
        return Err(Error::EmptyCell);
    }
    Ok(x.f_index_select(0, &Tensor::f_from_slice(&starts)?.f_to_device(x.device())?)?)
}

// In f32.
fn sums(x: &Tensor, batch: &Batch) -> Result<Tensor> {
    let (_, d) = x.size2()?;
    let zeros = Tensor::f_zeros([batch.cells(), d], (Kind::Float, x.device()))?;
    Ok(zeros.f_index_add(0, batch.rows(), &x.f_to_kind(Kind::Float)?)?)
}
