//! Genes by their mean shift and by how sure it is that this is not chance.

use std::error::Error as StdError;

use plotters::prelude::*;

use super::{GeneRow, GenesTable};
use crate::{Error, Result};

const SIZE: (u32, u32) = (720, 540);
/// Stands for the colour of the text, until the SVG is done.
const INK: RGBColor = RGBColor(1, 1, 1);
const BLUE: RGBColor = RGBColor(0x3b, 0x82, 0xc4);
const ORANGE: RGBColor = RGBColor(0xe0, 0x6c, 0x2b);
const GREY: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
/// Genes that are named.
const NAMED: usize = 20;
/// The false discovery rate up to which a gene is coloured.
const FDR: f64 = 0.05;
/// Size of a label's letters.
const LETTERS: f64 = 12.0;

/// A gene in the plot.
#[derive(Clone, Debug)]
struct Mark {
    x: f64,
    y: f64,
    colour: RGBColor,
    name: String,
}

/// Draws the first of the table's shifts as SVG that takes the colour of the text around it, so that it is read on light and dark
/// pages; `None` where nothing was tested.
///
/// # Errors
///
/// The plot cannot be drawn, which is a defect.
pub fn volcano(table: &GenesTable) -> Result<Option<String>> {
    let reference = table.reference_means.first().copied().flatten();
    let mut marks: Vec<Mark> = table.rows.iter().filter_map(|row| mark(row, reference)).collect();
    if marks.is_empty() {
        return Ok(None);
    }
    // The surest last, so that they lie on top.
    marks.sort_by(|a, b| a.y.total_cmp(&b.y));
    let column = table.columns.first().map_or("shift", String::as_str);
    let title = match column.strip_prefix("shift_") {
        Some(state) => format!("mean shift towards {state}"),
        None => "mean shift (1 - cosine)".to_owned(),
    };
    let mut svg = String::new();
    draw(&mut svg, &marks, reference, &title).map_err(|error| Error::Plot(error.to_string()))?;
    Ok(Some(svg.replace("#010101", "currentColor")))
}

fn mark(row: &GeneRow, reference: Option<f64>) -> Option<Mark> {
    let shift = row.shifts.first()?;
    let colour = match shift.fdr {
        Some(fdr) if fdr <= FDR && shift.mean >= reference.unwrap_or(0.0) => ORANGE,
        Some(fdr) if fdr <= FDR => BLUE,
        _ => GREY,
    };
    let name = row.symbol.clone().unwrap_or_else(|| row.gene.clone());
    // The smallest positive number stands for what is too small for one.
    Some(Mark { x: shift.mean, y: -shift.p?.max(f64::MIN_POSITIVE).log10(), colour, name })
}

fn draw(
    svg: &mut String,
    marks: &[Mark],
    reference: Option<f64>,
    title: &str,
) -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
    let xs = || marks.iter().map(|mark| mark.x).chain(reference);
    let (low, high) = xs().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
    let margin = (high - low).max(1e-9) * 0.08;
    let top = marks.iter().map(|mark| mark.y).fold(1.0, f64::max) * 1.08;
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .margin_right(18)
        .x_label_area_size(44)
        .y_label_area_size(58)
        .build_cartesian_2d(low - margin..high + margin, 0.0..top)?;
    chart
        .configure_mesh()
        .axis_style(INK.mix(0.6))
        .bold_line_style(INK.mix(0.12))
        .light_line_style(TRANSPARENT)
        .x_labels(7)
        .y_labels(7)
        .x_label_formatter(&|value| short(*value, high - low))
        .y_label_formatter(&|value| short(*value, top))
        .x_desc(title)
        .y_desc("-log10 p")
        .label_style(("sans-serif", 13, &INK))
        .axis_desc_style(("sans-serif", 14, &INK))
        .draw()?;
    if let Some(reference) = reference {
        let line = DashedLineSeries::new([(reference, 0.0), (reference, top)], 5, 4, INK.mix(0.5).into());
        chart.draw_series(line)?;
    }
    chart.draw_series(marks.iter().map(|mark| {
        let opacity = if mark.colour == GREY { 0.45 } else { 0.85 };
        Circle::new((mark.x, mark.y), 3, mark.colour.mix(opacity).filled())
    }))?;
    let places: Vec<(f64, f64)> =
        marks.iter().map(|mark| chart.backend_coord(&(mark.x, mark.y))).map(|(x, y)| (x.into(), y.into())).collect();
    for (place, text) in labels(marks, &places) {
        root.draw(&Text::new(text.to_owned(), place, ("sans-serif", LETTERS, &INK).into_text_style(&root)))?;
    }
    root.present()?;
    Ok(())
}

/// The names of the surest genes, each where it covers neither another name nor a point that is coloured or named; those without room are
/// left out.
fn labels<'a>(marks: &'a [Mark], places: &[(f64, f64)]) -> Vec<((i32, i32), &'a str)> {
    let surest = marks.len().saturating_sub(NAMED);
    let points = marks.iter().zip(places).enumerate().filter(|&(i, (mark, _))| i >= surest || mark.colour != GREY);
    let points: Vec<(f64, f64)> = points.map(|(_, (_, &place))| place).collect();
    let mut taken: Vec<[f64; 4]> = Vec::new();
    let mut placed = Vec::new();
    for (mark, &(x, y)) in marks.iter().zip(places).rev().take(NAMED) {
        let (width, height) = (mark.name.chars().count() as f64 * LETTERS * 0.62, LETTERS);
        let corners = [
            (x + 6.0, y - height / 2.0),
            (x - 6.0 - width, y - height / 2.0),
            (x - width / 2.0, y - 6.0 - height),
            (x - width / 2.0, y + 6.0),
            (x + 5.0, y - 4.0 - height),
            (x - 5.0 - width, y - 4.0 - height),
            (x + 5.0, y + 4.0),
            (x - 5.0 - width, y + 4.0),
        ];
        let free = corners.into_iter().find(|&(left, top)| {
            let this = [left, top, left + width, top + height];
            let inside =
                left > 60.0 && top > 2.0 && this[2] < f64::from(SIZE.0) - 4.0 && this[3] < f64::from(SIZE.1) - 50.0;
            let covers = |&(x, y): &(f64, f64)| x > this[0] - 2.0 && x < this[2] + 2.0 && y > this[1] && y < this[3];
            inside && !taken.iter().any(|other| overlap(other, &this)) && !points.iter().any(covers)
        });
        if let Some((left, top)) = free {
            taken.push([left, top, left + width, top + height]);
            placed.push(((left.round() as i32, top.round() as i32), mark.name.as_str()));
        }
    }
    placed
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// A short number for an axis of this length.
fn short(value: f64, length: f64) -> String {
    match value.abs() {
        // A sum of steps that is not quite zero.
        size if size < length * 1e-9 => "0".to_owned(),
        size if size < 1e-3 => format!("{value:.1e}"),
        _ => format!("{}", (value * 1e5).round() / 1e5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::perturb::genes_table::Shift;

    fn table(rows: Vec<GeneRow>) -> GenesTable {
        GenesTable {
            columns: vec!["shift_CM".into()],
            rows,
            reference: String::new(),
            reference_means: vec![Some(0.0)],
        }
    }

    fn row(gene: &str, mean: f64, p: Option<f64>) -> GeneRow {
        let shift = Shift { mean, z: None, p, fdr: p };
        GeneRow { gene: gene.into(), symbol: None, cells: 1, cosine: 1.0, shifts: vec![shift] }
    }

    #[test]
    fn sure_genes_are_coloured_and_named() {
        let rows = vec![row("UP", 0.01, Some(1e-9)), row("DOWN", -0.02, Some(1e-4)), row("NOTHING", 0.0, Some(0.9))];
        let svg = volcano(&table(rows)).unwrap().unwrap();
        for part in ["#E06C2B", "#3B82C4", "#8A8A8A", ">\nUP\n<", ">\nDOWN\n<", "mean shift towards CM", "currentColor"]
        {
            assert!(svg.contains(part), "{part}\n{svg}");
        }
    }

    #[test]
    fn nothing_that_was_tested_is_no_plot() {
        assert!(volcano(&table(vec![row("A", 0.1, None)])).unwrap().is_none());
        assert!(volcano(&table(Vec::new())).unwrap().is_none());
    }

    #[test]
    fn numbers_of_axes_are_short() {
        assert_eq!(["0", "0.05", "-2.0e-4"], [short(-1.4e-17, 0.2), short(0.05, 0.2), short(-2e-4, 1e-3)]);
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let marks: Vec<Mark> =
            (0..40).map(|n| Mark { x: 0.0, y: f64::from(n), colour: ORANGE, name: format!("GENE{n}") }).collect();
        let places: Vec<(f64, f64)> = (0..40).map(|n| (300.0 + f64::from(n % 3), 200.0 + f64::from(n))).collect();
        let placed = labels(&marks, &places);
        assert!(!placed.is_empty() && placed.len() < NAMED, "{}", placed.len());
    }
}
