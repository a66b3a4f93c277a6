//! Kernels between the nodes of a graph (Kondor and Lafferty 2002; GraphiT, Mialon et al. 2021).

use tch::{Kind, Tensor};

use super::{KernelConfig, LaplacianKind};
use crate::{
    Result,
    graph::{Bucket, GraphBatch},
};

/// The kernel of every graph, one `[g, 1, T, T]` (f32) for each bucket. Values between padding mean nothing.
pub(super) fn kernels(config: KernelConfig, batch: &GraphBatch) -> Result<Vec<Tensor>> {
    let _guard = tch::no_grad_guard();
    let places = |ends: &Tensor| batch.buckets.places.f_index_select(0, ends);
    let (mut from, mut to) = (places(&batch.source)?, places(&batch.target)?);
    let mut all = Vec::with_capacity(batch.buckets.buckets.len());
    for bucket in &batch.buckets.buckets {
        let end = bucket.graphs * bucket.longest;
        let here = from.f_lt(end)?.f_logical_and(&from.f_ge(0)?)?;
        let adjacency = bucket.adjacency(&from.f_masked_select(&here)?, &to.f_masked_select(&here)?)?;
        all.push(kernel(config, bucket, &adjacency)?);
        from = from.f_sub_scalar(end)?;
        to = to.f_sub_scalar(end)?;
    }
    Ok(all)
}

fn kernel(config: KernelConfig, bucket: &Bucket, adjacency: &Tensor) -> Result<Tensor> {
    let one = || Tensor::f_eye(bucket.longest, (Kind::Double, adjacency.device()));
    let kernel = match config {
        KernelConfig::Diffusion { beta, laplacian } => {
            self::laplacian(laplacian, adjacency)?.f_mul_scalar(-beta)?.f_linalg_matrix_exp()?
        }
        KernelConfig::RandomWalk { beta, steps, laplacian } => {
            one()?.f_sub(&self::laplacian(laplacian, adjacency)?.f_mul_scalar(beta)?)?.f_linalg_matrix_power(steps)?
        }
    };
    Ok(kernel.f_to_kind(Kind::Float)?.f_unsqueeze(1)?)
}

/// `[g, T, T] -> [g, T, T]`; a node without neighbours has zeros.
fn laplacian(kind: LaplacianKind, adjacency: &Tensor) -> Result<Tensor> {
    let degree = adjacency.f_sum_dim_intlist([2_i64].as_slice(), true, Kind::Double)?; // [g, T, 1]
    if kind == LaplacianKind::None {
        return Ok(degree.f_squeeze_dim(2)?.f_diag_embed(0, 1, 2)?.f_sub(adjacency)?);
    }
    let connected = degree.f_gt(0)?.f_to_kind(Kind::Double)?;
    let degree = degree.f_clamp_min(1)?;
    let scaled = if kind == LaplacianKind::Symmetric {
        let root = degree.f_sqrt()?;
        adjacency.f_div(&root)?.f_div(&root.f_transpose(1, 2)?)?
    } else {
        adjacency.f_div(&degree)?
    };
    Ok(connected.f_squeeze_dim(2)?.f_diag_embed(0, 1, 2)?.f_sub(&scaled)?)
}
