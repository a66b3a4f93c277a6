//! Whether the shifts of a gene are larger or smaller than those of others.

use std::f64::consts::SQRT_2;

/// Shifts that genes are compared with, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Reference(Vec<f32>);

impl Reference {
    /// A reference of these shifts; what is no number is left out.
    #[must_use]
    pub fn new(mut shifts: Vec<f32>) -> Self {
        shifts.retain(|shift| !shift.is_nan());
        shifts.sort_unstable_by(f32::total_cmp);
        // -0 and 0 are equal, and must be so for the search.
        shifts.iter_mut().filter(|shift| **shift == 0.0).for_each(|shift| *shift = 0.0);
        Self(shifts)
    }

    /// Number of shifts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to compare with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mean of the shifts.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        mean(&self.0)
    }

    /// Wilcoxon's rank-sum test of `shifts` against the reference, both sides, by the normal approximation: `(z, p)` as
    /// `scipy.stats.ranksums(shifts, reference)` gives them, equal values at their mean rank and without a correction of the
    /// variance for them. `None` where one side is empty.
    ///
    /// ```
    /// use ferrome_cell::task::perturb::statistics::Reference;
    ///
    /// let reference = Reference::new(vec![1.0, 2.0, 3.0, 4.0]);
    /// let (z, p) = reference.rank_sum(&[4.0, 5.0, 6.0]).unwrap();
    /// assert!((z - 1.944_543_648_263_005_6).abs() < 1e-12 && (p - 0.051_829_927_217_909_7).abs() < 1e-12, "{z} {p}");
    /// ```
    #[must_use]
    pub fn rank_sum(&self, shifts: &[f32]) -> Option<(f64, f64)> {
        let shifts = || shifts.iter().copied().filter(|shift| !shift.is_nan());
        let (n, m) = (shifts().count() as f64, self.0.len() as f64);
        if n == 0.0 || m == 0.0 {
            return None;
        }
        // The ranks within `shifts` sum to n (n + 1) / 2 whatever is equal, so only the reference matters.
        let below = |shift: f32| {
            let less = self.0.partition_point(|other| *other < shift);
            let equal = self.0.partition_point(|other| *other <= shift) - less;
            less as f64 + equal as f64 / 2.0
        };
        let above_expected = shifts().map(below).sum::<f64>() - n * m / 2.0;
        let z = above_expected / (n * m * (n + m + 1.0) / 12.0).sqrt();
        Some((z, libm::erfc(z.abs() / SQRT_2)))
    }
}

/// The mean; `None` of nothing.
#[must_use]
pub fn mean(values: &[f32]) -> Option<f64> {
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

/// P-values adjusted for the false discovery rate as Benjamini and Hochberg do, as `scipy.stats.false_discovery_control`
/// gives them; what is `None` stays so and does not count.
///
/// ```
/// use ferrome_cell::task::perturb::statistics::benjamini_hochberg;
///
/// assert_eq!(benjamini_hochberg(&[Some(0.01), None, Some(0.5), Some(0.03)]), [Some(0.03), None, Some(0.5), Some(0.045)]);
/// ```
#[must_use]
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let count = order.len();
    let mut adjusted = vec![None; p.len()];
    let mut lowest: f64 = 1.0;
    for (place, (i, p)) in order.into_iter().enumerate() {
        lowest = lowest.min(p * count as f64 / (count - place) as f64);
        if let Some(slot) = adjusted.get_mut(i) {
            *slot = Some(lowest);
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy 1.17: ranksums(x, y).
    #[test]
    fn rank_sums_with_ties_as_scipy() {
        let reference = Reference::new(vec![0.5, -1.0, 0.0, 0.5, 2.0, 0.5, -0.0]);
        let (z, p) = reference.rank_sum(&[0.5, 0.5, 3.0, 0.0]).unwrap();
        assert!((z - 0.755_928_946_018_454_4).abs() < 1e-12, "{z}");
        assert!((p - 0.449_691_797_968_890_9).abs() < 1e-9, "{p}");
    }

    #[test]
    fn tiny_p_values_keep_their_size() {
        let reference = Reference::new((0..5000).map(|n| n as f32).collect());
        let (z, p) = reference.rank_sum(&(6000..6510).map(|n| n as f32).collect::<Vec<_>>()).unwrap();
        assert!(z > 37.0 && p > 0.0 && p < 1e-300, "{z} {p}");
    }

    #[test]
    fn nothing_to_compare() {
        assert_eq!(Reference::default().rank_sum(&[1.0]), None);
        assert_eq!(Reference::new(vec![1.0]).rank_sum(&[f32::NAN]), None);
        assert_eq!(Reference::new(vec![f32::NAN, 2.0]).mean(), Some(2.0));
    }

    #[test]
    fn adjusted_p_values_never_fall_with_p() {
        let p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216];
        let adjusted = benjamini_hochberg(&p.map(Some));
        let expected = [0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.105_714_285_7, 0.216, 0.216, 0.216];
        for (found, expected) in adjusted.iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-9, "{adjusted:?}");
        }
        assert_eq!(benjamini_hochberg(&[]), []);
    }
}
