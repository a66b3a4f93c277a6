//! Ranks of genes, and the best of them.

/// `[g]`: the rank of each score, 0 for the highest; equal scores in order, NaN last.
pub(super) fn descending_ranks(scores: &[f64]) -> Vec<usize> {
    let mut ranks = vec![0; scores.len()];
    for (rank, gene) in descending(scores).into_iter().enumerate() {
        ranks[gene] = rank;
    }
    ranks
}

/// The positions of scores from the highest to the lowest; equal scores in order, NaN last.
pub(super) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| highest_first(scores[a], scores[b]));
    order
}

/// Orders scores from the highest to the lowest, NaN last.
pub(super) fn highest_first(a: f64, b: f64) -> std::cmp::Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_ties_and_not_a_number() {
        assert_eq!(descending_ranks(&[1.0, f64::NAN, 3.0, 1.0, 2.0]), [2, 4, 0, 3, 1]);
    }
}
