//! Cell Ranger's rules for one cell.
//!
//! Every UMI of a gene moves to the most frequent of those that differ in one base, itself included, and of equally
//! frequent ones to the last in the order of the alphabet: one step, not a chain. After one read of each moved UMI has
//! followed, a UMI with several genes stays with that which has most reads, and with none when two have most.

use super::{Entry, Placed, entries, neighbours, support};

/// What stays of a cell's molecules, which are in order of gene and UMI.
pub(super) fn count(cell: &[Placed]) -> Vec<Entry> {
    let targets = targets(cell);
    let mut reads: Vec<u32> = cell.iter().map(|molecule| molecule.reads).collect();
    let mut is_target = vec![false; cell.len()];
    for (from, &to) in targets.iter().enumerate() {
        is_target[to] = true;
        reads[from] -= 1;
        reads[to] = reads[to].saturating_add(1);
    }
    let keeps = support::keeps(cell, &reads);
    let stays: Vec<bool> = is_target.into_iter().zip(keeps).map(|(target, keeps)| target && keeps).collect();
    entries(cell, &stays).collect()
}

// For each molecule, the place of that whose UMI it takes.
fn targets(cell: &[Placed]) -> Vec<usize> {
    let mut targets = Vec::with_capacity(cell.len());
    for group in cell.chunk_by(|a, b| a.gene == b.gene) {
        let first = targets.len();
        let umis: Vec<u64> = group.iter().map(|molecule| molecule.umi).collect();
        for place in 0..group.len() {
            let rank = |place: usize| (group[place].reads, group[place].umi);
            let mut best = place;
            neighbours::each(&umis, place, |other| {
                if rank(other) > rank(best) {
                    best = other;
                }
            });
            targets.push(first + best);
        }
    }
    targets
}
