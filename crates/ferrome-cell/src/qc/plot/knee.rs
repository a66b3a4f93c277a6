//! Counts of cells by falling rank.

use plotters::prelude::*;

use super::{BLUE, Plot, SIZE, Titles, axes, logarithmic, plot};
use crate::Result;
use crate::qc::sketch::Sketch;

/// Counts by rank, both logarithmic.
pub(crate) fn knee(counts: &Sketch, titles: Titles<'_>) -> Result<Plot> {
    let points = points(counts);
    let right = points.last().map_or(10.0, |point| point.0).max(10.0);
    let (low, high) = (points.last().map_or(1.0, |point| point.1), points.first().map_or(10.0, |point| point.1));
    plot(points.len(), |root| {
        let y = (low * 0.9)..(high * 1.2).max(low * 10.0);
        let mut chart = axes(root, logarithmic(1.0..right * 1.1), logarithmic(y), titles)?;
        chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
        Ok(())
    })
}

/// Rank and counts of both ends of each bin, the largest counts first, without points that would lie on the one before.
fn points(counts: &Sketch) -> Vec<(f64, f64)> {
    let mut rank = 0;
    let mut all = Vec::new();
    for (value, cells) in counts.bins().rev().filter(|&(value, _)| value > 0.0) {
        all.push(((rank + 1) as f64, value));
        if cells > 1 {
            all.push(((rank + cells) as f64, value));
        }
        rank += cells;
    }
    let (Some(&first), Some(&last)) = (all.first(), all.last()) else { return all };
    let place = |value: f64, from: f64, to: f64, pixels: u32| {
        let span = (to / from).log10().abs().max(1e-9);
        ((value / from).log10().abs() / span * f64::from(pixels)) as u32
    };
    let pixel = |point: &(f64, f64)| (place(point.0, first.0, last.0, SIZE.0), place(point.1, first.1, last.1, SIZE.1));
    all.dedup_by_key(|point| pixel(point));
    if all.last() != Some(&last) {
        all.push(last);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::sketch::Kind;

    fn sketch(values: impl IntoIterator<Item = u32>) -> Sketch {
        let mut sketch = Sketch::new(Kind::Whole);
        values.into_iter().for_each(|value| sketch.add(value.into()));
        sketch
    }

    #[test]
    fn points_fall_and_end_with_the_last_cell() {
        assert_eq!(points(&sketch([1, 7, 1, 1, 3, 0])), [(1.0, 7.0), (2.0, 3.0), (3.0, 1.0), (5.0, 1.0)]);
        assert_eq!(points(&sketch([0])), []);
    }

    #[test]
    fn points_are_few_however_many_cells() {
        let points = points(&sketch((0..200_000).map(|i| i % 40_000 + 1)));
        assert!(points.len() < 1200, "{}", points.len());
        assert_eq!(points.last(), Some(&(200_000.0, 1.0)));
    }

    #[test]
    fn line_is_drawn_of_one_cell_as_well() {
        for values in [vec![5], vec![5, 5, 9]] {
            assert!(knee(&sketch(values), Titles { x: "rank", y: "counts" }).unwrap().svg.contains("<polyline"));
        }
    }
}
