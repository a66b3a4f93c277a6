use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// Scores that are remembered over all targets, at most.
const REMEMBERED: usize = 1 << 20;

/// What a row must reach to be among the best of its target so far. Which rows a block leaves out by it depends on the order of
/// the blocks; which rows are left in the end does not.
pub(super) struct Floors {
    most: usize,
    /// `[targets]`: the best scores so far, the smallest on top; none where all rows, or too many, are kept.
    best: Vec<Mutex<BinaryHeap<Reverse<Ordered>>>>,
}

impl Floors {
    pub(super) fn new(targets: usize, most: Option<usize>) -> Self {
        let most = most.filter(|&most| most.saturating_mul(targets) <= REMEMBERED);
        let best = (0..most.map_or(0, |_| targets)).map(|_| Mutex::default()).collect();
        Self { most: most.unwrap_or(0), best }
    }

    /// What a row of `target` must reach once there are also those with `scores`.
    pub(super) fn raised<I: Iterator<Item = f32>>(&self, target: usize, scores: impl FnOnce() -> I) -> f32 {
        let Some(best) = self.best.get(target) else { return f32::NEG_INFINITY };
        let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
        for score in scores() {
            if best.len() < self.most {
                best.push(Reverse(Ordered(score)));
            } else if let Some(mut least) = best.peek_mut()
                && least.0 < Ordered(score)
            {
                *least = Reverse(Ordered(score));
            }
        }
        match best.peek() {
            Some(Reverse(least)) if best.len() >= self.most => least.0,
            _ => f32::NEG_INFINITY,
        }
    }
}

/// A number in its total order.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Ordered(pub(super) f32);

impl Eq for Ordered {}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_is_the_last_of_the_best_so_far() {
        let floors = Floors::new(2, Some(3));
        let raised = |target, scores: &[f32]| floors.raised(target, || scores.iter().copied());
        assert_eq!(raised(0, &[1.0, 5.0]), f32::NEG_INFINITY);
        assert_eq!(raised(0, &[3.0]), 1.0);
        assert_eq!(raised(0, &[0.0, 4.0, 4.0]), 4.0);
        assert_eq!(raised(1, &[9.0]), f32::NEG_INFINITY);
    }

    #[test]
    fn nothing_is_left_out_where_all_rows_are_kept_or_too_many() {
        for most in [None, Some(REMEMBERED)] {
            assert_eq!(Floors::new(2, most).raised(1, || [1.0; 4].into_iter()), f32::NEG_INFINITY);
        }
    }
}
