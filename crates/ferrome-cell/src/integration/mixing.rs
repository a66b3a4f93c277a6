//! What lies around a cell: batches that are mixed, types that hang together.

use tch::Tensor;

use super::{compact, mean};
use crate::Result;
use crate::neighbours::nearest_by_distance;

/// Mean over cells of the entropy of the batches among the `k` nearest others, over the logarithm of the number of batches: 0 where
/// every cell has its own batch around it alone, 1 where all batches are around every cell in equal parts (which batches of
/// unequal size do not reach). `None` with one batch, or one cell.
///
/// # Errors
///
/// There is no memory.
pub fn batch_entropy(rows: &Tensor, batches: &[usize], k: usize) -> Result<Option<f64>> {
    let (batches, count) = compact(batches);
    if count < 2 {
        return Ok(None);
    }
    let entropy = |near: &Vec<u32>| {
        let mut counts = vec![0_u32; count];
        near.iter().filter_map(|&other| batches.get(other as usize)).for_each(|&batch| counts[batch] += 1);
        let share = |&count: &u32| f64::from(count) / near.len().max(1) as f64;
        -counts.iter().map(share).filter(|&share| share > 0.0).map(|share| share * share.ln()).sum::<f64>()
    };
    let all: Vec<f64> = nearest_by_distance(rows, k)?.iter().map(entropy).collect();
    Ok(Some(mean(&all) / (count as f64).ln()))
}

/// The mean over types of the share of a type's cells in its largest connected piece of the neighbour graph; `None` without a known
/// type.
#[must_use]
pub fn graph_connectivity(near: &[Vec<u32>], types: &[Option<usize>]) -> Option<f64> {
    let mut pieces: Vec<u32> = (0..near.len() as u32).collect();
    for (cell, near) in near.iter().enumerate() {
        for &other in near.iter().filter(|&&other| types[cell].is_some() && types[other as usize] == types[cell]) {
            let (one, other) = (root(&mut pieces, cell as u32), root(&mut pieces, other));
            pieces[one.max(other) as usize] = one.min(other);
        }
    }
    let (known, count) = compact(&types.iter().flatten().copied().collect::<Vec<_>>());
    let cells = (0..near.len()).filter(|&cell| types[cell].is_some());
    let mut sizes = vec![std::collections::HashMap::<u32, usize>::new(); count];
    for (cell, kind) in cells.zip(known) {
        *sizes[kind].entry(root(&mut pieces, cell as u32)).or_default() += 1;
    }
    let share = |sizes: &std::collections::HashMap<u32, usize>| {
        let largest = sizes.values().max().copied().unwrap_or(0);
        largest as f64 / sizes.values().sum::<usize>().max(1) as f64
    };
    (count > 0).then(|| mean(&sizes.iter().map(share).collect::<Vec<_>>()))
}

/// The first cell of a piece; what is passed on the way is hung nearer to it.
fn root(pieces: &mut [u32], mut cell: u32) -> u32 {
    while pieces[cell as usize] != cell {
        pieces[cell as usize] = pieces[pieces[cell as usize] as usize];
        cell = pieces[cell as usize];
    }
    cell
}
