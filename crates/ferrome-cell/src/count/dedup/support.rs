//! UMIs that several genes of a cell share.

use super::Placed;

/// For each molecule of a cell, whether its gene has more reads of its UMI than every other gene.
pub(super) fn keeps(cell: &[Placed], reads: &[u32]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..cell.len()).collect();
    order.sort_unstable_by_key(|&place| cell[place].umi);
    let mut keeps = vec![false; cell.len()];
    for genes in order.chunk_by(|&a, &b| cell[a].umi == cell[b].umi) {
        let Some(&best) = genes.iter().max_by_key(|&&place| reads[place]) else { continue };
        keeps[best] = genes.iter().filter(|&&place| reads[place] == reads[best]).count() == 1;
    }
    keeps
}
