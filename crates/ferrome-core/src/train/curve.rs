use std::path::Path;

use plotters::prelude::*;

use crate::{Error, Result, journal::write_whole};

/// One line of a learning curve.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Step or epoch, and the value there.
    pub points: Vec<(u64, f64)>,
}

const COLOURS: [RGBColor; 4] =
    [RGBColor(140, 140, 140), RGBColor(0, 90, 181), RGBColor(220, 120, 20), RGBColor(40, 140, 70)];

/// Draws learning curves as an SVG; `x` and `y` stand along the axes. What is not finite is left out.
///
/// # Errors
///
/// The file cannot be written.
pub fn draw_curve(lines: &[Line], (x, y): (&str, &str), path: &Path) -> Result<()> {
    let mut svg = String::new();
    let failed = |e: Box<dyn std::error::Error>| Error::Table { path: path.to_owned(), reason: e.to_string() };
    plot(lines, (x, y), &mut svg).map_err(failed)?;
    write_whole(path, svg)
}

fn plot(lines: &[Line], (x, y): (&str, &str), svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, (800, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(_, value)| value.is_finite());
    let (low, high) = points().fold((f64::MAX, f64::MIN), |(low, high), (_, v)| (low.min(*v), high.max(*v)));
    let (low, high) = if low < high { (low, high) } else { (low.min(0.0), high.max(1.0)) };
    let (first, last) = points().fold((u64::MAX, 0), |(first, last), (at, _)| (first.min(*at), last.max(*at)));
    let edge = 0.02 * (high - low);
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(first.min(last)..last.max(1), low - edge..high + edge)?;
    chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(WHITE).draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let points = line.points.iter().copied().filter(|(_, value)| value.is_finite());
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK.mix(0.3)).draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_few_points_and_numbers_that_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.svg");
        for points in
            [vec![], vec![(1, 2.0)], vec![(1, f64::NAN), (2, 1.0), (3, f64::INFINITY)], vec![(5, 1.0), (9, 2.0)]]
        {
            draw_curve(&[Line { name: "validation".into(), points }], ("epoch", "loss"), &path).unwrap();
            let svg = fs_err::read_to_string(&path).unwrap();
            assert!(svg.starts_with("<svg ") && svg.contains("validation") && !svg.contains("NaN"), "{svg}");
        }
    }
}
