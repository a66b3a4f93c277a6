//! Silhouette widths: whether a cell is nearer to its own group than to the next one.

use tch::{Kind, Tensor};

use super::{compact, mean};
use crate::Result;

/// Rows whose distances to all others are held at a time.
const AT_A_TIME: i64 = 512;

/// `(b - a) / max(a, b)` of each row: `a` is its mean distance to the others of its group, `b` to the nearest other group; 0 for a
/// row that is alone in its group. `None` where there is one group, or one row in each.
///
/// As `sklearn.metrics.silhouette_samples` (Rousseeuw 1987).
///
/// # Errors
///
/// There is no memory.
pub fn silhouettes(rows: &Tensor, groups: &[usize]) -> Result<Option<Vec<f64>>> {
    let (groups, count) = compact(groups);
    if count < 2 || count >= groups.len() {
        return Ok(None);
    }
    let rows = rows.f_to_kind(Kind::Double)?;
    let rows = rows.f_sub(&rows.f_mean_dim(0, true, Kind::Double)?)?;
    let places: Vec<i64> = groups.iter().map(|&group| group as i64).collect();
    let members = Tensor::f_from_slice(&places)?.f_one_hot(count as i64)?.f_to_kind(Kind::Double)?; // [n, groups]
    let members = members.f_to_device(rows.device())?;
    let mut sizes = vec![0_usize; count];
    groups.iter().for_each(|&group| sizes[group] += 1);
    let mut widths = Vec::with_capacity(groups.len());
    for chunk in rows.f_split(AT_A_TIME, 0)? {
        let sums = Tensor::f_cdist(&chunk, &rows, 2.0, None)?.f_matmul(&members)?; // [m, n] -> [m, groups]
        let sums = Vec::<f64>::try_from(sums.f_reshape([-1])?)?;
        for sums in sums.chunks(count) {
            widths.push(width(sums, groups[widths.len()], &sizes));
        }
    }
    Ok(Some(widths))
}

fn width(sums: &[f64], own: usize, sizes: &[usize]) -> f64 {
    if sizes[own] < 2 {
        return 0.0;
    }
    let within = sums[own] / (sizes[own] - 1) as f64;
    let others = sums.iter().zip(sizes).enumerate().filter(|&(group, _)| group != own);
    let nearest = others.map(|(_, (sum, &size))| sum / size as f64).fold(f64::INFINITY, f64::min);
    let most = within.max(nearest);
    if most > 0.0 { (nearest - within) / most } else { 0.0 }
}

/// The mean over types of the mean of `1 - abs(s)`, where `s` are the widths of the batches within a type. Types of one batch, or with
/// as many batches as cells, are left out; `None` where no type is left.
///
/// As `scib.metrics.silhouette_batch`.
///
/// # Errors
///
/// There is no memory.
pub fn batch_silhouette(rows: &Tensor, batches: &[usize], types: &[usize]) -> Result<Option<f64>> {
    let (types, count) = compact(types);
    let mut means = Vec::new();
    for kind in 0..count {
        let cells: Vec<usize> = (0..types.len()).filter(|&cell| types[cell] == kind).collect();
        let of_cells: Vec<usize> = cells.iter().map(|&cell| batches[cell]).collect();
        if let Some(widths) = silhouettes(&rows_of(rows, &cells)?, &of_cells)? {
            means.push(mean(&widths.iter().map(|width| 1.0 - width.abs()).collect::<Vec<_>>()));
        }
    }
    Ok((!means.is_empty()).then(|| mean(&means)))
}

/// Some of the rows.
pub(super) fn rows_of(rows: &Tensor, cells: &[usize]) -> Result<Tensor> {
    let cells: Vec<i64> = cells.iter().map(|&cell| cell as i64).collect();
    Ok(rows.f_index_select(0, &Tensor::f_from_slice(&cells)?.f_to_device(rows.device())?)?)
}
