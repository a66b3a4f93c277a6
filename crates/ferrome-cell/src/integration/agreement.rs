//! How far two ways to group the same cells agree.

use std::collections::HashMap;

/// Pairs of cells that both group alike, corrected for chance: 1 for the same groups, about 0 for groups by chance.
///
/// Source: Hubert and Arabie 1985; as `sklearn.metrics.adjusted_rand_score` computes it.
///
/// ```
/// use ferrome_cell::integration::adjusted_rand_index;
/// assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 2, 2]), 1.0);
/// assert!((adjusted_rand_index(&[0, 0, 1, 2], &[0, 0, 1, 1]) - 4.0 / 7.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> f64 {
    let squares = |counts: &mut dyn Iterator<Item = u64>| counts.map(|n| (n as f64).powi(2)).sum::<f64>();
    let (pairs, of_a, of_b) = counts(a, b);
    let n = a.len().min(b.len()) as f64;
    let both = squares(&mut pairs.into_values());
    let (rows, columns) = (squares(&mut of_a.into_values()), squares(&mut of_b.into_values()));
    // Ordered pairs: together in both, in one only, in neither.
    let (together, only_b, only_a) = (both - n, columns - both, rows - both);
    let apart = n * n - n - together - only_a - only_b;
    if only_a == 0.0 && only_b == 0.0 {
        return 1.0;
    }
    let expected = (together + only_a) * (only_a + apart) + (together + only_b) * (only_b + apart);
    2.0 * (together * apart - only_a * only_b) / expected
}

/// What one grouping says of the other, over the mean of both entropies: from 0 to 1.
///
/// As `sklearn.metrics.normalized_mutual_info_score` with its arithmetic mean.
///
/// ```
/// use ferrome_cell::integration::normalized_mutual_information;
/// assert!((normalized_mutual_information(&[0, 0, 1, 1], &[1, 1, 0, 0]) - 1.0).abs() < 1e-12);
/// assert_eq!(normalized_mutual_information(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
/// ```
#[must_use]
pub fn normalized_mutual_information(a: &[usize], b: &[usize]) -> f64 {
    let (pairs, of_a, of_b) = counts(a, b);
    if of_a.len() <= 1 && of_b.len() <= 1 {
        return 1.0;
    }
    let n = a.len().min(b.len()) as f64;
    let mut joint: Vec<((usize, usize), u64)> = pairs.into_iter().collect();
    joint.sort_unstable();
    let of = |counts: &HashMap<usize, u64>, group: usize| counts.get(&group).copied().unwrap_or(0) as f64;
    let information = |&((one, other), count): &((usize, usize), u64)| {
        let share = count as f64 / n;
        share * (count as f64 * n / (of(&of_a, one) * of(&of_b, other))).ln()
    };
    let information: f64 = joint.iter().map(information).sum();
    if information <= f64::EPSILON {
        return 0.0;
    }
    let entropy = |counts: HashMap<usize, u64>| {
        let mut counts: Vec<u64> = counts.into_values().collect();
        counts.sort_unstable();
        -counts.into_iter().map(|count| count as f64 / n).map(|share| share * share.ln()).sum::<f64>()
    };
    (information / f64::midpoint(entropy(of_a), entropy(of_b))).clamp(0.0, 1.0)
}

type Groups = HashMap<usize, u64>;

fn counts(a: &[usize], b: &[usize]) -> (HashMap<(usize, usize), u64>, Groups, Groups) {
    let (mut pairs, mut of_a, mut of_b) = (HashMap::new(), Groups::new(), Groups::new());
    for (&one, &other) in a.iter().zip(b) {
        *pairs.entry((one, other)).or_default() += 1;
        *of_a.entry(one).or_default() += 1;
        *of_b.entry(other).or_default() += 1;
    }
    (pairs, of_a, of_b)
}
