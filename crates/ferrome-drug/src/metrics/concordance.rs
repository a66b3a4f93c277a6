use super::{ascending, ties, usable};

/// Concordance index: of all pairs whose truths differ, the share that the predictions put in the same order; a tie in
/// the prediction counts one half (Gönen and Heller, Biometrika 92, 2005).
///
/// `None` when all truths are equal.
#[must_use]
pub fn concordance(truth: &[f64], prediction: &[f64]) -> Option<f64> {
    if !usable(truth, prediction) {
        return None;
    }
    let places = dense_ranks(prediction);
    let mut seen = Fenwick(vec![0; places.len() + 1]);
    let (mut inserted, mut pairs, mut doubled) = (0_u64, 0_u64, 0_u64);
    for group in ties(&ascending(truth), truth) {
        for &i in group {
            let (below, through) = (seen.sum(places[i]), seen.sum(places[i] + 1));
            doubled += below + through; // 2 * below + (through - below)
        }
        pairs += inserted * group.len() as u64;
        group.iter().for_each(|&i| seen.add(places[i]));
        inserted += group.len() as u64;
    }
    (pairs > 0).then(|| doubled as f64 / (2 * pairs) as f64)
}

/// How many different values are smaller, for each value.
fn dense_ranks(values: &[f64]) -> Vec<usize> {
    let mut ranks = vec![0; values.len()];
    for (rank, group) in ties(&ascending(values), values).enumerate() {
        group.iter().for_each(|&i| ranks[i] = rank);
    }
    ranks
}

/// Counts with prefix sums in O(log n).
struct Fenwick(Vec<u64>);

impl Fenwick {
    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while let Some(count) = self.0.get_mut(at) {
            *count += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// How many lie before `end`.
    fn sum(&self, end: usize) -> u64 {
        let (mut at, mut sum) = (end, 0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    fn by_pairs(truth: &[f64], prediction: &[f64]) -> Option<f64> {
        let (mut pairs, mut sum) = (0.0, 0.0);
        for (t1, p1) in truth.iter().zip(prediction) {
            for (t2, p2) in truth.iter().zip(prediction).filter(|(t2, _)| t1 > t2) {
                pairs += 1.0;
                sum += if p1 > p2 {
                    1.0
                } else if p1 == p2 {
                    0.5
                } else {
                    0.0
                };
                let _ = t2;
            }
        }
        (pairs > 0.0).then(|| sum / pairs)
    }

    #[test]
    fn random_values_with_many_ties_agree_with_the_sum_over_pairs() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for n in [1, 2, 3, 10, 257] {
            for levels in [1, 2, 5, 1000] {
                let mut draw = || (0..n).map(|_| f64::from(random.random_range(0..levels))).collect::<Vec<_>>();
                let (truth, prediction) = (draw(), draw());
                assert_eq!(concordance(&truth, &prediction), by_pairs(&truth, &prediction), "{n} {levels}");
            }
        }
    }

    #[test]
    fn equal_truths_nan_and_lengths_that_differ_have_no_concordance() {
        assert_eq!(concordance(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(concordance(&[1.0, 2.0], &[f64::NAN, 2.0]), None);
        assert_eq!(concordance(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(concordance(&[], &[]), None);
    }
}
