//! Cells by counts and genes, in bins.

use plotters::prelude::*;

use super::{BLUE, ORANGE, Plot, Titles, axes, logarithmic, plot};
use crate::Result;
use crate::qc::plane::Patch;

/// What the colour of a bin says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Colours {
    /// The mean of the third number, from 0 to this.
    UpTo(f64),
    /// Nothing.
    Plain,
}

/// Bins of cells, both axes logarithmic; the more cells, the more opaque.
pub(crate) fn scatter(patches: &[Patch], colours: Colours, titles: Titles<'_>) -> Result<Plot> {
    let range = |edges: fn(&Patch) -> (f64, f64)| {
        let low = patches.iter().map(|patch| edges(patch).0).fold(f64::INFINITY, f64::min);
        let high = patches.iter().map(|patch| edges(patch).1).fold(1.0, f64::max);
        let low = if low.is_finite() { low } else { 1.0 };
        low / 1.1..high.max(low * 2.0) * 1.1
    };
    let most = patches.iter().map(|patch| patch.cells).max().unwrap_or(1) as f64;
    let opacity = |cells: u64| 0.3 + 0.7 * (cells as f64).ln_1p() / most.ln_1p();
    plot(patches.len(), |root| {
        let (x, y) = (range(|patch| patch.x), range(|patch| patch.y));
        let mut chart = axes(root, logarithmic(x), logarithmic(y), titles)?;
        chart.draw_series(patches.iter().map(|patch| {
            let colour = match colours {
                Colours::UpTo(most) => between(patch.mean / most),
                Colours::Plain => BLUE,
            };
            let corners = [(patch.x.0, patch.y.1), (patch.x.1, patch.y.0)];
            Rectangle::new(corners, colour.mix(opacity(patch.cells)).filled())
        }))?;
        Ok(())
    })
}

/// From blue at 0 to orange at 1.
fn between(share: f64) -> RGBColor {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    RGBColor(mix(BLUE.0, ORANGE.0), mix(BLUE.1, ORANGE.1), mix(BLUE.2, ORANGE.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::plane::Plane;

    #[test]
    fn each_bin_is_one_rectangle_of_its_colour() {
        let mut plane = Plane::default();
        plane.add(1000.0, 500.0, 0.0);
        plane.add(4000.0, 1500.0, 0.2);
        let titles = Titles { x: "counts", y: "genes" };
        let plot = scatter(&plane.patches(100), Colours::UpTo(0.2), titles).unwrap();
        assert_eq!(plot.marks, 2);
        assert!(plot.svg.contains("fill=\"#3B82C4\"") && plot.svg.contains("fill=\"#E06C2B\""), "{}", plot.svg);
    }

    #[test]
    fn no_cells_give_empty_axes() {
        let plot = scatter(&[], Colours::Plain, Titles { x: "counts", y: "genes" }).unwrap();
        assert_eq!((plot.marks, plot.svg.contains("counts")), (0, true));
    }

    #[test]
    fn colours_stay_between_blue_and_orange() {
        assert_eq!([f64::NAN, -1.0, 0.0].map(between), [BLUE; 3]);
        assert_eq!([1.0, 7.0].map(between), [ORANGE; 2]);
    }
}
