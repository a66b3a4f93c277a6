//! The nearest others of each row.

use std::collections::HashSet;

use ferrome_cell::neighbours::{EXACT, nearest_of_many, unit_rows};
use ferrome_core::page::grouped;
use tch::{Device, Tensor};

use crate::Result;
use crate::rows::Rows;

/// Rows whose neighbours are computed exactly to see how many are found.
const CHECKED: usize = 200;
/// Stands for no row.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The nearest others of each row by cosine.
#[derive(Debug)]
pub(crate) struct Near {
    /// For each row.
    pub(crate) count: usize,
    /// Row after row, nearest first; [`NOBODY`] where there are fewer.
    pub(crate) others: Vec<u32>,
    /// Cosines times 32,767.
    pub(crate) cosines: Vec<i16>,
    /// The share of the true neighbours that was found, where they were not looked for exactly.
    pub(crate) recall: Option<f64>,
}

/// The `count` nearest others of each row; `None` without vectors, or where none are wanted.
pub(crate) fn near(rows: &Rows, count: usize, say: &dyn Fn(&str)) -> Result<Option<Near>> {
    let Some(vectors) = rows.vectors.as_ref().filter(|_| count > 0 && rows.ids.len() > 1) else { return Ok(None) };
    let _guard = tch::no_grad_guard();
    let n = rows.ids.len();
    let many = vectors.size2()?.0 > EXACT;
    if many {
        say(&format!("neighbours of {} rows", grouped(n as u64)));
    }
    let count = count.min(n - 1);
    let found = nearest_of_many(vectors, count)?;
    let (mut others, mut cosines) = (vec![NOBODY; n * count], vec![0_i16; n * count]);
    for of_row in found.chunk_by(|a, b| a.0 == b.0) {
        for (place, &(row, other, cosine)) in of_row.iter().enumerate().take(count) {
            let slot = row as usize * count + place;
            if let (Some(near), Some(value)) = (others.get_mut(slot), cosines.get_mut(slot)) {
                *near = other;
                *value = (cosine.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
            }
        }
    }
    let recall = if many { Some(recall(vectors, &others, count)?) } else { None };
    Ok(Some(Near { count, others, cosines, recall }))
}

/// The share of the true neighbours of some rows that are among those found.
fn recall(vectors: &Tensor, others: &[u32], count: usize) -> Result<f64> {
    let unit = unit_rows(vectors)?;
    let n = others.len() / count.max(1);
    let checked: Vec<i64> = (0..CHECKED).map(|i| (i * n / CHECKED) as i64).collect();
    let rows = unit.f_index_select(0, &Tensor::f_from_slice(&checked)?)?;
    let (_, places) = rows.f_matmul(&unit.f_tr()?)?.f_topk(count as i64 + 1, 1, true, true)?;
    let places = Vec::<i64>::try_from(places.f_reshape([-1])?.f_to_device(Device::Cpu)?)?;
    let mut hits = 0;
    for (&row, places) in checked.iter().zip(places.chunks(count + 1)) {
        let row = row as usize;
        let found: HashSet<u32> = others.iter().skip(row * count).take(count).copied().collect();
        let truth = places.iter().filter(|&&place| place != row as i64).take(count);
        hits += truth.filter(|&&place| found.contains(&(place as u32))).count();
    }
    Ok(hits as f64 / (CHECKED * count) as f64)
}
