//! Scores become ranks, so that cells, heads and models can be averaged.

use rayon::prelude::*;

/// Replaces each score by its rank within its row, from 0 to less than 1, and these by their ranks within the column; equal scores
/// share the mean of their ranks. `scores` is `[n, n]`, row by row.
pub(super) fn rows_then_columns(scores: &mut [f32], n: usize) {
    rank_rows(scores, n);
    let mut turned = transposed(scores, n);
    rank_rows(&mut turned, n);
    scores.copy_from_slice(&transposed(&turned, n));
}

fn rank_rows(scores: &mut [f32], n: usize) {
    scores.par_chunks_mut(n.max(1)).for_each_init(Vec::new, |order: &mut Vec<u32>, row| {
        order.clear();
        order.extend(0..row.len() as u32);
        let value = |place: u32| row.get(place as usize).copied().unwrap_or(f32::NAN);
        order.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)));
        let mut ranks = vec![0.0; row.len()];
        let mut below = 0;
        for equal in order.chunk_by(|&a, &b| value(a) == value(b)) {
            let rank = (below as f32 + (equal.len() - 1) as f32 / 2.0) / row.len() as f32;
            equal.iter().for_each(|&place| ranks[place as usize] = rank);
            below += equal.len();
        }
        row.copy_from_slice(&ranks);
    });
}

fn transposed(scores: &[f32], n: usize) -> Vec<f32> {
    (0..n).flat_map(|column| scores.iter().skip(column).step_by(n.max(1)).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_rows_and_then_of_columns() {
        let mut scores = vec![0.3, -2.0, 5.0, 1.0, 1.0, 0.0, 7.0, 8.0, 9.0];
        rank_rows(&mut scores, 3);
        let third = 1.0 / 3.0;
        assert_eq!(scores, [third, 0.0, 2.0 * third, 0.5, 0.5, 0.0, 0.0, third, 2.0 * third]);
        let mut scores = vec![0.3, -2.0, 5.0, 1.0, 1.0, 0.0, 7.0, 8.0, 9.0];
        rows_then_columns(&mut scores, 3);
        assert_eq!(scores, [third, 0.0, 0.5, 2.0 * third, 2.0 * third, 0.0, 0.0, third, 0.5]);
    }

    #[test]
    fn nothing_and_one_score() {
        rows_then_columns(&mut [], 0);
        let mut one = [4.0];
        rows_then_columns(&mut one, 1);
        assert_eq!(one, [0.0]);
    }
}
