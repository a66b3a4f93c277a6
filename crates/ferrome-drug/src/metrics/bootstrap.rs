use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Between which bounds a measure lies.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The percentile bootstrap (Efron 1979): draws `n` of `n` rows `resamples` times and gives the central interval of
/// `measure` with this `confidence`. The same seed gives the same interval, whatever the number of threads.
///
/// Resamples on which the measure is not defined are left out; `None` when all are.
pub fn bootstrap(
    n: usize,
    resamples: u64,
    confidence: f64,
    seed: u64,
    measure: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Option<Interval> {
    if n == 0 || !(0.0..1.0).contains(&confidence) {
        return None;
    }
    let draw = |resample: u64| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(resample);
        let rows: Vec<usize> = (0..n).map(|_| random.random_range(0..n)).collect();
        measure(&rows)
    };
    let mut values: Vec<f64> = (0..resamples).into_par_iter().filter_map(draw).collect();
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    Some(Interval { low: quantile(&values, tail)?, high: quantile(&values, 1.0 - tail)? })
}

/// Linear between the two nearest of ascending values.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let at = share * values.len().checked_sub(1)? as f64;
    let (low, high) = (values.get(at.floor() as usize)?, values.get(at.ceil() as usize)?);
    Some(low + (high - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_a_known_spread_has_the_width_that_theory_gives() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
        let mean = |rows: &[usize]| Some(rows.iter().map(|&i| values[i]).sum::<f64>() / rows.len() as f64);
        let found = bootstrap(values.len(), 2000, 0.95, 1, mean).unwrap();
        let expected = 1.96 * 0.5 / 1000.0_f64.sqrt();
        assert!((found.high - 0.5 - expected).abs() < 0.004 && (0.5 - found.low - expected).abs() < 0.004, "{found:?}");
        assert_eq!(Some(found), bootstrap(values.len(), 2000, 0.95, 1, mean));
        assert_ne!(Some(found), bootstrap(values.len(), 2000, 0.95, 2, mean));
    }

    #[test]
    fn nothing_to_draw_from() {
        assert_eq!(bootstrap(0, 10, 0.95, 1, |_| Some(1.0)), None);
        assert_eq!(bootstrap(3, 10, 0.95, 1, |_| None), None);
    }
}
