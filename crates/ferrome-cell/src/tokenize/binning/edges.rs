//! The edges of a row's bins.

use super::Choice;
use crate::quantile::Place;

/// Ascending edges, one fewer than bins.
#[derive(Debug, Default)]
pub(super) struct Edges(Vec<f64>);

impl Edges {
    /// Finds the edges of `n` values, of which `value(k)` is the one at position `k` in ascending order.
    ///
    /// `value` is asked for positions that never descend by more than one.
    pub(super) fn find(&mut self, n: usize, bins: u16, mut value: impl FnMut(usize) -> f32) {
        self.0.clear();
        for q in evenly_spaced(usize::from(bins.saturating_sub(1))) {
            let place = Place::new(n, q);
            let (below, above) = (value(place.below), value(place.above));
            self.0.push(place.between(f64::from(below), f64::from(above), f64::from(above - below)));
        }
    }

    /// The bins that a value may get.
    pub(super) fn choice(&self, value: f32) -> Choice {
        let value = f64::from(value);
        let low = self.0.partition_point(|&edge| edge < value);
        let equal = self.0.get(low..).unwrap_or_default().partition_point(|&edge| edge <= value);
        Choice { low: low as u16, high: (low + equal) as u16 }
    }
}

/// `points` numbers from 0 to 1 at equal distances, as `numpy.linspace(0, 1, points)` rounds them.
fn evenly_spaced(points: usize) -> impl Iterator<Item = f64> {
    let last = points.saturating_sub(1);
    let step = if last == 0 { 0.0 } else { 1.0 / last as f64 };
    (0..points).map(move |i| if i == last && last > 0 { 1.0 } else { i as f64 * step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_end_at_one() {
        let points: Vec<f64> = evenly_spaced(50).collect();
        assert_eq!(points.len(), 50);
        assert_eq!((points[0], points[49]), (0.0, 1.0));
        assert_eq!(evenly_spaced(1).collect::<Vec<_>>(), [0.0]);
    }
}
