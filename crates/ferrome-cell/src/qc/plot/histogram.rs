//! Histograms.

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::{Area, BLUE, Drawn, ORANGE, Plot, Titles, axes, logarithmic, plot, wide};
use crate::Result;
use crate::qc::sketch::{Kind, Sketch};

/// Bars of a histogram, about.
const BARS: f64 = 60.0;

/// How many values lie between neighbouring edges.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    /// One more than there are bars; ascending.
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    logarithmic: bool,
}

impl Bars {
    /// Bars of equal width.
    pub(crate) fn linear(sketch: &Sketch) -> Self {
        if sketch.count() == 0 {
            return Self { edges: Vec::new(), counts: Vec::new(), logarithmic: false };
        }
        let (low, high) = (sketch.low(), sketch.high());
        let (start, width) = match sketch.kind() {
            Kind::Whole => (low - 0.5, ((high - low + 1.0) / BARS).ceil()),
            Kind::Any if high > low => (low, (high - low) / BARS),
            Kind::Any => (low - low.abs().max(1e-3) / 2.0, low.abs().max(1e-3)),
        };
        // The last bar ends behind the largest value, whatever was rounded.
        let count = ((high - start) / width).floor() + 1.0;
        let edges = (0..=count as usize).map(|i| start + i as f64 * width).collect();
        Self { edges, counts: Vec::new(), logarithmic: false }.fill(sketch)
    }

    /// Bars of equal width on a logarithmic axis, of positive values.
    pub(crate) fn logarithmic(sketch: &Sketch) -> Self {
        let positive = || sketch.bins().filter(|&(value, _)| value > 0.0);
        let (Some((low, _)), Some((high, _))) = (positive().next(), positive().next_back()) else {
            return Self { edges: Vec::new(), counts: Vec::new(), logarithmic: true };
        };
        let step = ((high / low).log10() / BARS).max(1.0 / BARS / 3.0);
        let edge = |i: f64| {
            let edge = low * 10_f64.powf(i * step);
            // Between whole numbers, so that no bar is empty only because no number can lie in it.
            if sketch.kind() == Kind::Whole { edge.round() - 0.5 } else { edge }
        };
        let mut edges = vec![edge(0.0)];
        let mut i = 0.0;
        while edges.last().is_some_and(|&last| last <= high) {
            i += 1.0;
            edges.push(edge(i));
            edges.dedup();
        }
        Self { edges, counts: Vec::new(), logarithmic: true }.fill(sketch)
    }

    fn fill(mut self, sketch: &Sketch) -> Self {
        self.counts = vec![0; self.edges.len().saturating_sub(1)];
        for (value, count) in sketch.bins() {
            let after = self.edges.partition_point(|&edge| edge <= value);
            if let Some(bar) = after.checked_sub(1).and_then(|bar| self.counts.get_mut(bar)) {
                *bar += count;
            }
        }
        self
    }

    /// Bars that are not empty: left, right, height.
    fn drawn(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let sides = self.edges.windows(2).map(|pair| (pair[0], pair[1]));
        sides
            .zip(&self.counts)
            .filter(|(_, count)| **count > 0)
            .map(|((left, right), &count)| (left, right, count as f64))
    }
}

/// A histogram with a line at `mark`, if that lies within it.
pub(crate) fn histogram(bars: &Bars, mark: Option<f64>, titles: Titles<'_>) -> Result<Plot> {
    let ends =
        |default: f64| (bars.edges.first().map_or(default, |&e| e), bars.edges.last().map_or(default * 10.0, |&e| e));
    let (left, right) = ends(1.0);
    plot(bars.drawn().count(), |root| {
        if bars.logarithmic {
            draw(root, logarithmic(wide(left..right)), bars, mark, titles)
        } else {
            draw(root, wide(left..right), bars, mark, titles)
        }
    })
}

fn draw<X>(root: &Area<'_>, x: X, bars: &Bars, mark: Option<f64>, titles: Titles<'_>) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
{
    let top = bars.counts.iter().max().map_or(1.0, |&most| most.max(1) as f64) * 1.08;
    let mut chart = axes(root, x, 0.0..top, titles)?;
    // A bar that is not empty is seen, however high the highest is.
    let seen = |height: f64| height.max(top / 150.0);
    chart
        .draw_series(bars.drawn().map(|(left, right, height)| {
            Rectangle::new([(left, 0.0), (right, seen(height))], BLUE.mix(0.85).filled())
        }))?;
    let inside =
        |&mark: &f64| bars.edges.first().is_some_and(|&e| e <= mark) && bars.edges.last().is_some_and(|&e| mark <= e);
    if let Some(mark) = mark.filter(inside) {
        chart.draw_series([PathElement::new([(mark, 0.0), (mark, top)], ORANGE.stroke_width(2))])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(kind: Kind, values: &[f64]) -> Sketch {
        let mut sketch = Sketch::new(kind);
        values.iter().for_each(|&value| sketch.add(value));
        sketch
    }

    #[test]
    fn every_value_lies_in_a_bar() {
        let whole: Vec<f64> = (1..3000).map(f64::from).collect();
        let shares: Vec<f64> = (0..700).map(|i| f64::from(i) / 699.0).collect();
        for (kind, values) in
            [(Kind::Whole, whole), (Kind::Any, shares), (Kind::Any, vec![0.25; 9]), (Kind::Whole, vec![7.0])]
        {
            let sketch = sketch(kind, &values);
            let positive = values.iter().filter(|&&value| value > 0.0).count() as u64;
            for (bars, count) in [(Bars::linear(&sketch), sketch.count()), (Bars::logarithmic(&sketch), positive)] {
                assert_eq!(bars.counts.iter().sum::<u64>(), count, "{bars:?}");
                assert!(bars.counts.len() <= 190 && bars.edges.is_sorted_by(|a, b| a < b), "{bars:?}");
            }
        }
    }

    #[test]
    fn small_whole_numbers_have_a_bar_each() {
        let bars = Bars::logarithmic(&sketch(Kind::Whole, &[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0]));
        assert_eq!((&bars.edges[..5], &bars.counts[..5]), (&[0.5, 1.5, 2.5, 3.5, 4.5][..], &[2, 1, 1, 1, 1][..]));
    }

    #[test]
    fn no_values_give_an_empty_plot() {
        let none = sketch(Kind::Any, &[]);
        for bars in [Bars::linear(&none), Bars::logarithmic(&none)] {
            let plot = histogram(&bars, None, Titles { x: "counts", y: "cells" }).unwrap();
            assert!(plot.marks == 0 && plot.svg.contains("counts") && plot.svg.trim_end().ends_with("</svg>"));
        }
    }

    #[test]
    fn bars_take_no_colour_of_the_page_and_axes_do() {
        let bars = Bars::linear(&sketch(Kind::Whole, &[1.0, 2.0, 2.0]));
        let plot = histogram(&bars, Some(2.0), Titles { x: "counts", y: "cells" }).unwrap();
        assert_eq!((plot.marks, plot.svg.matches("fill=\"#3B82C4\"").count()), (2, 2), "{}", plot.svg);
        assert!(plot.svg.contains("fill=\"currentColor\"") && !plot.svg.contains("#000000"), "{}", plot.svg);
    }
}
