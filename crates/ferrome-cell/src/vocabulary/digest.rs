//! A median over any number of values in little memory, with a bound on its error that it states itself.
//!
//! A t-digest (Dunning and Ertl 2019, <https://arxiv.org/abs/1902.04023>): neighbouring values are merged into clusters
//! whose weight is limited by where they lie. Its limit is finest at the median, since nothing else is asked for. Each
//! cluster also keeps its smallest and largest value: they tell between which two numbers the true median lies for
//! certain, whatever the order of the values was.

/// Up to as many values are kept as they are, and the median is exact.
const EXACT: usize = 256;

/// The share of all values that one cluster at the median may hold, and how it grows towards the ends.
const AT_MEDIAN: f64 = 1.0 / 512.0;
const SLOPE: f64 = 1.0 / 32.0;

/// Values merged into one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cluster {
    mean: f64,
    weight: u64,
    low: f64,
    high: f64,
}

/// A summary of values from which their median is read.
///
/// The same values in the same order give the same digest, bit for bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    /// Ascending by mean.
    clusters: Vec<Cluster>,
    /// Values not yet merged.
    fresh: Vec<f64>,
}

/// A median, and between which two numbers it lies for certain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The estimate; exact up to 256 values.
    pub value: f64,
    /// No median is smaller.
    pub low: f64,
    /// No median is larger.
    pub high: f64,
}

impl Median {
    /// The largest relative error that the estimate can have.
    #[must_use]
    pub fn error(&self) -> f64 {
        let off = (self.high - self.value).max(self.value - self.low);
        if off == 0.0 { 0.0 } else { off / self.value.abs() }
    }
}

impl Digest {
    /// Adds a finite value.
    pub fn add(&mut self, value: f64) {
        self.fresh.push(value);
        if self.fresh.len() > EXACT {
            self.compress(Vec::new());
        }
    }

    /// Adds all values of another digest.
    pub fn merge(&mut self, other: &Self) {
        if self.clusters.is_empty() && other.clusters.is_empty() && self.fresh.len() + other.fresh.len() <= EXACT {
            self.fresh.extend(&other.fresh);
            return;
        }
        self.fresh.extend(&other.fresh);
        self.compress(other.clusters.clone());
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.clusters.iter().map(|cluster| cluster.weight).sum::<u64>() + self.fresh.len() as u64
    }

    /// The median of all values, as NumPy defines it; `None` without any.
    #[must_use]
    pub fn median(&self) -> Option<Median> {
        if self.clusters.is_empty() {
            return exact(&self.fresh);
        }
        let mut all = self.clone();
        all.compress(Vec::new());
        let (low, high) = all.bounds();
        Some(Median { value: all.estimate().clamp(low, high), low, high })
    }

    /// Merges fresh values and more clusters into as few clusters as the limit allows.
    fn compress(&mut self, more: Vec<Cluster>) {
        let fresh = self.fresh.drain(..).map(|value| Cluster { mean: value, weight: 1, low: value, high: value });
        let mut all: Vec<Cluster> = self.clusters.drain(..).chain(more).chain(fresh).collect();
        all.sort_by(|a, b| a.mean.total_cmp(&b.mean).then(a.low.total_cmp(&b.low)));
        let total = all.iter().map(|cluster| cluster.weight).sum::<u64>() as f64;
        let mut before = 0.0;
        for next in all {
            match self.clusters.last_mut() {
                Some(last) if fits(before, (last.weight + next.weight) as f64, total) => last.absorb(&next),
                last => {
                    before += last.map_or(0.0, |last| last.weight as f64);
                    self.clusters.push(next);
                }
            }
        }
    }

    /// Interpolates between the means of the clusters around the middle, each taken to lie at the middle of its ranks.
    fn estimate(&self) -> f64 {
        let middle = self.count() as f64 / 2.0;
        let mut before = 0.0;
        let mut last: Option<(f64, f64)> = None;
        for cluster in &self.clusters {
            let rank = before + cluster.weight as f64 / 2.0;
            if rank >= middle {
                return match last {
                    Some((low_rank, low)) => low + (cluster.mean - low) * (middle - low_rank) / (rank - low_rank),
                    None => cluster.mean,
                };
            }
            last = Some((rank, cluster.mean));
            before += cluster.weight as f64;
        }
        last.map_or(0.0, |(_, mean)| mean)
    }

    /// The smallest and largest number that the median can be, from the ranges of the clusters alone.
    ///
    /// The median is at least `x` when more values than half are at least `x` for certain, and so on: the lower bound is
    /// the median of the lower ends, each counted by its weight, the upper bound that of the upper ends.
    fn bounds(&self) -> (f64, f64) {
        let ends = |end: fn(&Cluster) -> f64| {
            let mut ends: Vec<(f64, u64)> =
                self.clusters.iter().map(|cluster| (end(cluster), cluster.weight)).collect();
            ends.sort_by(|a, b| a.0.total_cmp(&b.0));
            ends
        };
        let count = self.count();
        let at = |ends: &[(f64, u64)], rank: u64| {
            let mut before = 0;
            let found = ends.iter().find(|(_, weight)| {
                before += weight;
                before > rank
            });
            found.map_or(0.0, |&(value, _)| value)
        };
        let (lows, highs) = (ends(|cluster| cluster.low), ends(|cluster| cluster.high));
        let middle = |ends: &[(f64, u64)]| f64::midpoint(at(ends, (count - 1) / 2), at(ends, count / 2));
        (middle(&lows), middle(&highs))
    }
}

impl Cluster {
    fn absorb(&mut self, other: &Self) {
        let weight = self.weight + other.weight;
        self.mean += (other.mean - self.mean) * (other.weight as f64 / weight as f64);
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.weight = weight;
    }
}

/// Whether a cluster of this weight may lie behind `before` values of `total`.
fn fits(before: f64, weight: f64, total: f64) -> bool {
    let limit = |rank: f64| AT_MEDIAN + SLOPE * (rank / total - 0.5).abs();
    // The limit at the end that is nearer to the middle.
    let (start, end) = (before, before + weight);
    let nearest = (total / 2.0).clamp(start, end);
    weight <= limit(nearest) * total
}

fn exact(values: &[f64]) -> Option<Median> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    // As NumPy's mean of two.
    let value = (low + high) / 2.0;
    let value = if low == high { *low } else { value };
    Some(Median { value, low: value, high: value })
}

#[cfg(test)]
mod tests {
    use rand::seq::SliceRandom;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn digest(values: &[f64]) -> Digest {
        let mut digest = Digest::default();
        values.iter().for_each(|&value| digest.add(value));
        digest
    }

    fn true_median(values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
    }

    /// How far the estimate is from the middle, as a share of all values.
    fn rank_error(values: &[f64], estimate: f64) -> f64 {
        let below = values.iter().filter(|&&value| value < estimate).count() as f64;
        let up_to = values.iter().filter(|&&value| value <= estimate).count() as f64;
        let half = values.len() as f64 / 2.0;
        ((below - half).max(half - up_to)).max(0.0) / values.len() as f64
    }

    /// Expression as cells have it: log-normal, with many equal values.
    fn expression(count: usize, seed: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let normal = |random: &mut ChaCha8Rng| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        (0..count)
            .map(|_| (1.0 + normal(&mut random).exp() * 2.0).floor() / random.random_range(1..40) as f64)
            .collect()
    }

    #[test]
    fn exact_up_to_256_values() {
        assert_eq!(Digest::default().median(), None);
        let odd = digest(&[3.0, 1.0, 2.0]).median().unwrap();
        assert_eq!((odd.value, odd.error()), (2.0, 0.0));
        assert_eq!(digest(&[3.0, 1.0]).median().unwrap().value, 2.0);
        let values = expression(256, 1);
        assert_eq!(digest(&values).median().unwrap().value, true_median(&values));
    }

    #[test]
    fn rank_error_below_one_in_five_hundred_in_any_order() {
        for seed in 0..6 {
            let mut values = expression(60_000, seed);
            match seed % 3 {
                0 => (),
                1 => values.sort_by(f64::total_cmp),
                _ => values.sort_by(|a, b| b.total_cmp(a)),
            }
            let median = digest(&values).median().unwrap();
            let (truth, rank) = (true_median(&values), rank_error(&values, median.value));
            assert!(rank < 1.0 / 500.0, "seed {seed}: {rank}");
            assert!(median.low <= truth && truth <= median.high, "seed {seed}: {median:?}, {truth}");
        }
    }

    #[test]
    fn stated_bound_holds_where_the_stream_drifts() {
        // Cells in order of their type: every type shifts the middle.
        let parts: Vec<f64> =
            (0..40).flat_map(|part| expression(2000, part).into_iter().map(move |v| v * (1.0 + part as f64))).collect();
        let median = digest(&parts).median().unwrap();
        let truth = true_median(&parts);
        assert!((median.value - truth).abs() / truth <= median.error(), "{median:?}, {truth}");
        assert!(median.error() < 0.1, "{}", median.error());
    }

    #[test]
    fn merged_digests_are_as_good_as_one() {
        let mut values = expression(50_000, 9);
        values.shuffle(&mut ChaCha8Rng::seed_from_u64(3));
        let mut all = Digest::default();
        for part in values.chunks(777) {
            all.merge(&digest(part));
        }
        assert_eq!(all.count(), 50_000);
        let median = all.median().unwrap();
        assert!(rank_error(&values, median.value) < 1.0 / 250.0);
        assert!(median.low <= true_median(&values) && true_median(&values) <= median.high);
    }

    #[test]
    fn memory_does_not_grow_with_the_values() {
        let digest = digest(&expression(300_000, 4));
        assert!(digest.clusters.len() < 256, "{}", digest.clusters.len());
    }

    #[test]
    fn equal_values_are_exact() {
        let median = digest(&[0.7; 100_000]).median().unwrap();
        assert_eq!((median.value, median.error()), (0.7, 0.0));
    }
}
