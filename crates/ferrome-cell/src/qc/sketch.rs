//! The distribution of any number of values in little memory.

use std::collections::BTreeMap;

use crate::quantile::Place;

/// Bits of a float64 that are dropped: ten bits of the mantissa stay, so that neighbours differ by less than 0.1 %.
const DROPPED: u32 = 42;
/// What is smaller counts as zero.
const SMALLEST: f64 = 1e-9;
/// What is larger counts as this.
const LARGEST: f64 = 1e18;

/// What the values are, which decides where in its bin a value is taken to lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Whole numbers.
    Whole,
    /// Any numbers.
    Any,
}

/// How often each value occurs, in bins that are at most 0.1 % wide.
///
/// Whole numbers below 2,048 are exact; all other quantiles are off by at most 0.05 %. Memory is bounded by the number of
/// bins (1,024 for each doubling). The order of the values does not matter but for the rounding of their mean.
#[derive(Clone, Debug)]
pub struct Sketch {
    kind: Kind,
    bins: BTreeMap<i64, u64>,
    count: u64,
    sum: f64,
    low: f64,
    high: f64,
}

impl Sketch {
    /// No values yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, bins: BTreeMap::new(), count: 0, sum: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }

    /// Adds a finite value.
    pub fn add(&mut self, value: f64) {
        *self.bins.entry(key(value)).or_default() += 1;
        self.count += 1;
        self.sum += value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    /// What the values are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value; NaN of none.
    #[must_use]
    pub fn low(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.low }
    }

    /// The largest value; NaN of none.
    #[must_use]
    pub fn high(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.high }
    }

    /// The mean; NaN of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The quantile `q`, 0 to 1, interpolated as NumPy does; NaN of no value.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let place = Place::new(usize::try_from(self.count).unwrap_or(usize::MAX), q);
        let (below, above) = (self.at(place.below as u64), self.at(place.above as u64));
        place.between(below, above, above - below)
    }

    /// Each value, as far as they are told apart, with how often it occurs; ascending.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> {
        self.bins.iter().map(|(&key, &count)| (self.value(key), count))
    }

    /// The value at a position of the values in ascending order.
    fn at(&self, rank: u64) -> f64 {
        if rank == 0 || rank + 1 >= self.count {
            return if rank == 0 { self.low } else { self.high };
        }
        let mut before = 0;
        let found = self.bins().find(|&(_, count)| {
            before += count;
            before > rank
        });
        found.map_or(self.high, |(value, _)| value)
    }

    /// Where in its bin a value is taken to lie: the middle of the whole numbers in it, or the middle.
    fn value(&self, key: i64) -> f64 {
        let edge = |key: u64| f64::from_bits(key << DROPPED);
        let low = edge(key.unsigned_abs());
        let width = edge(key.unsigned_abs() + 1) - low;
        let middle = match self.kind {
            _ if key == 0 => 0.0,
            Kind::Whole => low + ((width - 1.0) / 2.0).max(0.0),
            Kind::Any => low + width / 2.0,
        };
        let middle = if key < 0 { -middle } else { middle };
        middle.clamp(self.low, self.high)
    }
}

/// The bin of a value; bins ascend with values.
fn key(value: f64) -> i64 {
    let size = value.abs();
    if size < SMALLEST {
        return 0;
    }
    // Positive floats ascend with their bits; the sign bit is not set.
    let key = (size.min(LARGEST).to_bits() >> DROPPED) as i64;
    if value < 0.0 { -key } else { key }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::quantile::quantile;

    fn sketch(kind: Kind, values: impl IntoIterator<Item = f64>) -> Sketch {
        let mut sketch = Sketch::new(kind);
        values.into_iter().for_each(|value| sketch.add(value));
        sketch
    }

    const QUANTILES: [f64; 7] = [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0];

    #[test]
    fn small_whole_numbers_are_exact() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut values: Vec<f64> = (0..5000).map(|_| f64::from(random.random_range(0..2048))).collect();
        let sketch = sketch(Kind::Whole, values.iter().copied());
        values.sort_by(f64::total_cmp);
        for q in QUANTILES {
            assert_eq!(sketch.quantile(q), quantile(&values, q), "{q}");
        }
        assert_eq!(sketch.mean(), values.iter().sum::<f64>() / 5000.0);
    }

    #[test]
    fn all_quantiles_within_half_a_thousandth() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for (kind, scale) in [(Kind::Whole, 1e6), (Kind::Any, 1e-3), (Kind::Any, 1.0)] {
            let value = |random: &mut ChaCha8Rng| (random.random::<f64>() * 12.0 - 6.0).exp() * scale;
            let round = |value: f64| if kind == Kind::Whole { value.round() } else { value };
            let mut values: Vec<f64> = (0..20_000).map(|_| round(value(&mut random))).collect();
            let sketch = sketch(kind, values.iter().copied());
            values.sort_by(f64::total_cmp);
            for q in QUANTILES {
                let (got, expected) = (sketch.quantile(q), quantile(&values, q));
                assert!((got / expected - 1.0).abs() <= 0.0005, "{q}: {got}, {expected}");
            }
        }
    }

    #[test]
    fn negative_values_come_first() {
        let sketch = sketch(Kind::Any, [3.0, -2.0, 0.0, -0.5, 1e-12]);
        let values: Vec<f64> = sketch.bins().map(|(value, _)| value).collect();
        assert!(values.is_sorted(), "{values:?}");
        assert_eq!((sketch.low(), sketch.high(), sketch.quantile(0.5)), (-2.0, 3.0, 0.0));
    }

    #[test]
    fn no_values_have_no_quantile() {
        let none = Sketch::new(Kind::Any);
        assert!(none.quantile(0.5).is_nan() && none.mean().is_nan() && none.low().is_nan() && none.high().is_nan());
    }

    #[test]
    fn bins_do_not_grow_with_the_number_of_values() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let sketch = sketch(Kind::Whole, (0..400_000).map(|_| f64::from(random.random_range(1..1_000_000_u32))));
        assert!(sketch.bins.len() < 12_000, "{}", sketch.bins.len());
    }
}
