//! Points as an SVG that takes the colour of the text around it.

use std::error::Error as StdError;

use plotters::prelude::*;

use crate::{Error, Result};

const SIZE: (u32, u32) = (640, 480);
/// Stands for the colour of the text, until the SVG is done.
const INK: RGBColor = RGBColor(1, 1, 1);
/// Told apart by people with any colour vision as far as possible (Okabe and Ito), then again.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xb0, 0xa0, 0x20),
    RGBColor(0x8a, 0x8a, 0x8a),
];
/// Names that fit beside the points.
const MOST: usize = 24;

/// Draws the points, with a legend where they have values.
pub(crate) fn draw(places: &[[f64; 2]], values: &[String], column: Option<&str>, axes: &[String; 2]) -> Result<String> {
    let mut svg = String::new();
    plot((places, values, column), axes, &mut svg).map_err(|e| Error::Plot(e.to_string()))?;
    Ok(svg.replace("#010101", "currentColor"))
}

type Content<'a> = (&'a [[f64; 2]], &'a [String], Option<&'a str>);

fn plot(
    (places, values, column): Content,
    axes: &[String; 2],
    svg: &mut String,
) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut names: Vec<&str> = values.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let legend = column.is_some() && names.len() <= MOST;
    let range = |axis: usize| {
        let values = places.iter().filter_map(|place| place.get(axis));
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        let edge = 0.04 * (high - low).max(1e-9);
        low - edge..high + edge
    };
    let (left, right) = root.split_horizontally(if legend { 460 } else { 620 });
    let mut chart = ChartBuilder::on(&left)
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(28)
        .build_cartesian_2d(range(0), range(1))?;
    let [x, y] = axes;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(0)
        .y_labels(0)
        .axis_style(INK.mix(0.6))
        .x_desc(x)
        .y_desc(y)
        .axis_desc_style(("sans-serif", 14, &INK))
        .draw()?;
    let colour = |value: &str| {
        let place = names.binary_search(&value).unwrap_or(0);
        COLOURS.get(place % COLOURS.len()).copied().unwrap_or(INK)
    };
    let radius = if places.len() > 3000 { 1 } else { 3 };
    let empty = String::new();
    let points = places.iter().enumerate().map(|(i, place)| (place, values.get(i).unwrap_or(&empty)));
    chart.draw_series(
        points.map(|(place, value)| Circle::new((place[0], place[1]), radius, colour(value).mix(0.75).filled())),
    )?;
    if let Some(column) = column.filter(|_| legend) {
        right.draw(&Text::new(column.to_owned(), (4, 16), ("sans-serif", 14).into_font().color(&INK)))?;
        for (row, name) in (0..).zip(&names) {
            let at = 40 + row * 18;
            right.draw(&Circle::new((10, at + 6), 5, colour(name).filled()))?;
            let shown = if name.is_empty() { "none" } else { name };
            right.draw(&Text::new(shown.to_owned(), (22, at), ("sans-serif", 13).into_font().color(&INK)))?;
        }
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_the_colour_of_their_value() {
        let values = ["B", "T", "B"].map(ToOwned::to_owned);
        let axes = ["x".to_owned(), "y".to_owned()];
        let svg = draw(&[[0.0, 0.0], [1.0, 2.0], [0.5, 0.1]], &values, Some("type"), &axes).unwrap();
        // Three points and two of the legend.
        assert_eq!(svg.matches("<circle").count(), 5);
        assert_eq!(svg.matches("#0072B2").count(), 3);
        assert!(svg.contains("type"));
    }

    #[test]
    fn one_point_without_a_value() {
        let svg = draw(&[[1.0, 1.0]], &[String::new()], None, &["x".to_owned(), "y".to_owned()]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 1);
    }
}
