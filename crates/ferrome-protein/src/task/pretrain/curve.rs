use std::path::Path;

use ferrome_core::journal::write_whole;
use plotters::prelude::*;

use super::Measured;
use crate::{Error, Result};

/// Draws perplexity over steps, on the training batches and on the held-out sequences, as an SVG.
///
/// # Errors
///
/// The file cannot be written.
pub(super) fn draw(lines: &[Measured], path: &Path) -> Result<()> {
    let mut svg = String::new();
    plot(lines, &mut svg).map_err(|e| Error::Save(e.to_string()))?;
    Ok(write_whole(path, svg)?)
}

type Perplexity = fn(&Measured) -> f64;

fn plot(lines: &[Measured], svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, (800, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let series: [(&str, RGBColor, Perplexity); 2] = [
        ("training batches", RGBColor(140, 140, 140), |m| m.train_loss.exp()),
        ("held-out sequences", RGBColor(0, 90, 181), |m| m.held_out_loss.exp()),
    ];
    let values = || lines.iter().flat_map(|m| [m.train_loss.exp(), m.held_out_loss.exp()]);
    let (low, high) = values().fold((f64::MAX, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
    let last = lines.last().map_or(1, |m| m.step).max(1);
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0..last, low.min(high) * 0.98..high.max(1.0) * 1.02)?;
    chart.configure_mesh().x_desc("step").y_desc("perplexity of hidden residues").light_line_style(WHITE).draw()?;
    for (name, colour, value) in series {
        chart
            .draw_series(LineSeries::new(lines.iter().map(|m| (m.step, value(m))), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK.mix(0.3)).draw()?;
    root.present()?;
    Ok(())
}
