//! UMI-tools' `directional` (Smith, Heger and Sudbery 2017).
//!
//! There is an edge from `a` to `b` where they differ in one base and `a` has at least `2 b - 1` reads. UMIs are visited
//! from the most frequent on; what can be reached from one, and was not before, is one molecule with it. Only the number
//! of molecules is told, which does not depend on how ties are ordered.

use std::cmp::Reverse;

use hashbrown::HashMap;

use super::neighbours;
use crate::count::molecules::Molecule;
use crate::count::umi::{Umis, is_packed};

/// The molecules of one cell and gene, whose UMIs ascend.
pub(super) fn count(group: &[Molecule], umis: &Umis) -> u32 {
    if group.len() == 1 {
        return 1;
    }
    let reads: Vec<u32> = group.iter().map(|molecule| molecule.reads).collect();
    let numbers: Vec<u64> = group.iter().map(|molecule| molecule.umi).collect();
    if numbers.iter().all(|umi| is_packed(*umi)) {
        return starts(&reads, |place, found| neighbours::each(&numbers, place, found));
    }
    let texts: Vec<Vec<u8>> = numbers.iter().map(|umi| umis.text(*umi)).collect();
    let neighbours = by_text(&texts);
    starts(&reads, |place, found| neighbours[place].iter().copied().for_each(found))
}

// The number of UMIs that cannot be reached from one visited before.
fn starts(reads: &[u32], neighbours: impl Fn(usize, &mut dyn FnMut(usize))) -> u32 {
    let mut order: Vec<usize> = (0..reads.len()).collect();
    order.sort_unstable_by_key(|&place| Reverse(reads[place]));
    let mut reached = vec![false; reads.len()];
    let mut waiting = Vec::new();
    let mut count = 0;
    for start in order {
        if reached[start] {
            continue;
        }
        count += 1;
        reached[start] = true;
        waiting.push(start);
        while let Some(from) = waiting.pop() {
            neighbours(from, &mut |to| {
                let strong = u64::from(reads[from]) >= (2 * u64::from(reads[to])).saturating_sub(1);
                if strong && !reached[to] {
                    reached[to] = true;
                    waiting.push(to);
                }
            });
        }
    }
    count
}

// For each text, those of its length that differ in one letter: they are equal where that letter is left out.
fn by_text(texts: &[Vec<u8>]) -> Vec<Vec<usize>> {
    let mut alike: HashMap<(usize, Vec<u8>), Vec<usize>> = HashMap::new();
    for (number, text) in texts.iter().enumerate() {
        for place in 0..text.len() {
            let mut rest = text.clone();
            rest.remove(place);
            alike.entry((place, rest)).or_default().push(number);
        }
    }
    let mut neighbours = vec![Vec::new(); texts.len()];
    for group in alike.into_values() {
        for &one in &group {
            neighbours[one].extend(group.iter().copied().filter(|&other| other != one));
        }
    }
    neighbours
}
