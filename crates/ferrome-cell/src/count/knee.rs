//! The knee plot: cells by falling number of UMIs, on two logarithmic axes.

use std::error::Error as StdError;

use plotters::prelude::*;

use crate::{Error, Result};

const SIZE: (u32, u32) = (720, 480);

/// The plot as SVG. `totals`: UMIs of each cell, in any order; `min_umis`: where the line of what is kept stands, if above 1.
///
/// # Errors
///
/// [`Error::Plot`], a defect.
pub fn knee(totals: &[u64], min_umis: u64) -> Result<String> {
    let mut svg = String::new();
    draw(&points(totals), min_umis, &mut svg).map_err(|error| Error::Plot(error.to_string()))?;
    Ok(svg)
}

fn draw(points: &[(f64, f64)], min_umis: u64, svg: &mut String) -> Result<(), Box<dyn StdError>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let right = points.last().map_or(1.0, |(rank, _)| *rank).max(10.0);
    let top = points.first().map_or(1.0, |(_, umis)| *umis).max(10.0);
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .caption("UMIs per cell", ("sans-serif", 18))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((1.0..right * 1.2).log_scale(), (1.0..top * 1.5).log_scale())?;
    chart.configure_mesh().x_desc("barcodes, by falling number of UMIs").y_desc("UMIs").draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
    if min_umis > 1 {
        let line = [(1.0, min_umis as f64), (right * 1.2, min_umis as f64)];
        chart.draw_series(LineSeries::new(line, RED.stroke_width(1)))?;
    }
    root.present()?;
    Ok(())
}

// Rank and UMIs; of a run of equal numbers its two ends.
fn points(totals: &[u64]) -> Vec<(f64, f64)> {
    let mut falling = totals.to_vec();
    falling.sort_unstable_by(|a, b| b.cmp(a));
    let mut points = Vec::new();
    let mut rank = 0;
    for run in falling.chunk_by(|a, b| a == b) {
        let umis = run.first().map_or(0, |umis| *umis) as f64;
        points.push(((rank + 1) as f64, umis));
        rank += run.len();
        if run.len() > 1 {
            points.push((rank as f64, umis));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_fall_and_end_with_the_last_cell() {
        assert_eq!(points(&[1, 7, 1, 1, 3]), [(1.0, 7.0), (2.0, 3.0), (3.0, 1.0), (5.0, 1.0)]);
        assert_eq!(points(&[]), []);
    }

    #[test]
    fn plot_has_axes_and_a_line() {
        let svg = knee(&[1000, 900, 30, 2, 1, 1], 10).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("UMIs per cell") && svg.contains("<polyline"), "{svg}");
    }

    #[test]
    fn plot_of_one_cell_and_of_none() {
        assert!(knee(&[1], 0).unwrap().contains("</svg>"));
        assert!(knee(&[], 0).unwrap().contains("</svg>"));
    }
}
