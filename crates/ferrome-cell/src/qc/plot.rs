//! Plots as SVG that takes the colour of the text around it, so that it is read on light and dark pages.

mod histogram;
mod knee;
mod scatter;

use std::error::Error as StdError;
use std::ops::Range;

use plotters::coord::combinators::{BindKeyPoints, WithKeyPoints};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

pub(super) use histogram::{Bars, histogram};
pub(super) use knee::knee;
pub(super) use scatter::{Colours, scatter};

use crate::{Error, Result};

/// Width and height of a plot, in units of its own; the page scales it.
const SIZE: (u32, u32) = (640, 300);
/// Stands for the colour of the text, until the SVG is done.
const INK: RGBColor = RGBColor(1, 1, 1);
const INK_IN_SVG: &str = "#010101";
/// What data is drawn in; seen on white and on black.
const BLUE: RGBColor = RGBColor(0x3b, 0x82, 0xc4);
const ORANGE: RGBColor = RGBColor(0xe0, 0x6c, 0x2b);

/// A plot, and how many marks of data it has: bars, bins or points.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) svg: String,
    pub(super) marks: usize,
}

/// What is written along the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Titles<'a> {
    pub(super) x: &'a str,
    pub(super) y: &'a str,
}

type Drawn = std::result::Result<(), Box<dyn StdError + Send + Sync>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Context<'a, X, Y> = ChartContext<
    'a,
    SVGBackend<'a>,
    Cartesian2d<<X as AsRangedCoord>::CoordDescType, <Y as AsRangedCoord>::CoordDescType>,
>;

/// Draws into an SVG; a failure is a defect of the drawing.
fn plot(marks: usize, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<Plot> {
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw(&root).and_then(|()| Ok(root.present()?))
    };
    drawn.map_err(|error| Error::Plot(error.to_string()))?;
    Ok(Plot { svg: svg.replace(INK_IN_SVG, "currentColor"), marks })
}

/// Axes, grid and titles.
fn axes<'a, X, Y>(
    root: &Area<'a>,
    x: X,
    y: Y,
    titles: Titles<'_>,
) -> std::result::Result<Context<'a, X, Y>, Box<dyn StdError + Send + Sync>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(40)
        .y_label_area_size(58)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .axis_style(INK.mix(0.6))
        .bold_line_style(INK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .x_labels(8)
        .y_labels(6)
        .x_desc(titles.x)
        .y_desc(titles.y)
        .x_label_formatter(&|value| number(*value))
        .y_label_formatter(&|value| number(*value))
        .label_style(("sans-serif", 13, &INK))
        .axis_desc_style(("sans-serif", 14, &INK))
        .draw()?;
    Ok(chart)
}

/// A logarithmic axis with the numbers 1, 2 and 5 of each power of ten, or 1 alone where there are many.
fn logarithmic(range: Range<f64>) -> WithKeyPoints<LogCoord<f64>> {
    let (first, last) = (range.start.log10().floor() as i32, range.end.log10().ceil() as i32);
    let digits: &[f64] = if last - first > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let ticks = (first..=last).flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
    let ticks = ticks.filter(|tick| range.contains(tick)).collect();
    range.log_scale().with_key_points(ticks)
}

/// A range that is not empty.
fn wide(range: Range<f64>) -> Range<f64> {
    if range.end > range.start { range } else { range.start..range.start + 1.0 }
}

/// A short number for an axis: 20, 1.5k, 3M.
fn number(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let rounded = (scaled * 1000.0).round() / 1000.0;
    format!("{}{unit}", if rounded == 0.0 { 0.0 } else { rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_axes_are_short() {
        let numbers = [0.0, -0.0, 0.05, 20.0, 1500.0, 3e6, 2.5e9];
        assert_eq!(numbers.map(number), ["0", "0", "0.05", "20", "1.5k", "3M", "2.5G"]);
    }
}
