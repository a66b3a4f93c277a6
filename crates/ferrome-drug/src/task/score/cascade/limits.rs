use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use arrow::array::Array;
use hashbrown::HashMap;

use super::super::floor::Ordered;
use super::super::shape::TARGET;
use super::{scores, texts, whole};
use crate::Result;

/// The score that the best `share` of each target's rows reach.
pub(super) fn limits(parts: &[PathBuf], share: f64) -> Result<HashMap<String, f32>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    each_score(parts, |target, _| *counts.entry_ref(target).or_default() += 1)?;
    // The smallest of the best is on top.
    let mut best: HashMap<String, BinaryHeap<Reverse<Ordered>>> = HashMap::new();
    each_score(parts, |target, score| {
        let most = (counts.get(target).copied().unwrap_or(0) as f64 * share).ceil() as usize;
        let heap = best.entry_ref(target).or_default();
        heap.push(Reverse(Ordered(score)));
        if heap.len() > most.max(1) {
            heap.pop();
        }
    })?;
    Ok(best.into_iter().filter_map(|(target, heap)| Some((target, heap.peek()?.0.0))).collect())
}

fn each_score(parts: &[PathBuf], mut visit: impl FnMut(&str, f32)) -> Result<()> {
    for part in parts {
        let batch = whole(part)?;
        let (targets, scores) = (texts(&batch, TARGET)?, scores(&batch)?);
        for row in (0..batch.num_rows()).filter(|&row| scores.is_valid(row)) {
            visit(targets.value(row), scores.value(row));
        }
    }
    Ok(())
}
