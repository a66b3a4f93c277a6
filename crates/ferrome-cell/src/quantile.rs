//! Quantiles by linear interpolation, in the steps and the rounding of NumPy (`numpy.quantile`, method `linear`).

/// Where a quantile lies among `n` values in ascending order: between the values at `below` and `above`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// The position of the value at or before the quantile.
    pub(crate) below: usize,
    /// The position of the value after it; `below` itself at the last value.
    pub(crate) above: usize,
    /// How far it is from the one to the other, 0 to 1.
    weight: f64,
}

impl Place {
    /// The place of the quantile `q`, 0 to 1, among `n` values, at least one.
    pub(crate) fn new(n: usize, q: f64) -> Self {
        let last = n.saturating_sub(1);
        let index = last as f64 * q;
        let below = index.floor() as usize;
        if index >= last as f64 {
            return Self { below: last, above: last, weight: 0.0 };
        }
        Self { below, above: below + 1, weight: index - below as f64 }
    }

    /// The quantile between two values that are `difference` apart, which was rounded to the precision of the data.
    pub(crate) fn between(self, below: f64, above: f64, difference: f64) -> f64 {
        if self.weight >= 0.5 { above - difference * (1.0 - self.weight) } else { below + difference * self.weight }
    }
}

/// The quantile `q` of values in ascending order, at least one.
pub(crate) fn quantile(ascending: &[f64], q: f64) -> f64 {
    let place = Place::new(ascending.len(), q);
    let at = |i: usize| ascending.get(i).copied().unwrap_or(f64::NAN);
    place.between(at(place.below), at(place.above), at(place.above) - at(place.below))
}

/// The median of some values, which are put into order; NaN of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (_, None) => f64::NAN,
        (1, Some(&value)) => value,
        (_, Some(&above)) => (values.get(middle - 1).copied().unwrap_or(f64::NAN) + above) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_four_values() {
        let values = [1.0, 2.0, 4.0, 8.0];
        let got: Vec<f64> = [0.0, 0.25, 0.5, 0.9, 1.0].iter().map(|&q| quantile(&values, q)).collect();
        // numpy.quantile([1, 2, 4, 8], [0, .25, .5, .9, 1])
        assert_eq!(got, [1.0, 1.75, 3.0, 6.800000000000001, 8.0]);
    }

    #[test]
    fn quantiles_of_one_value() {
        assert_eq!(quantile(&[3.0], 0.0), 3.0);
        assert_eq!(quantile(&[3.0], 1.0), 3.0);
    }

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
