//! The confusion matrix as an SVG that takes the colour of the text around it.

use std::error::Error as StdError;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Confusion;
use crate::{Error, Result};

/// Stands for the colour of the text, until the SVG is done.
const INK: RGBColor = RGBColor(1, 1, 1);
const FILL: RGBColor = RGBColor(0x3b, 0x82, 0xc4);
/// Side of a cell, at most and at least, in pixels.
const SIDES: (i32, i32) = (56, 22);
const LETTER: i32 = 7;

/// Draws counts, shaded by their share of the row: the truth stands on the left, what was predicted below.
///
/// # Errors
///
/// [`Error::Plot`].
pub fn draw(confusion: &Confusion) -> Result<String> {
    let mut svg = String::new();
    plot(confusion, &mut svg).map_err(|e| Error::Plot(e.to_string()))?;
    Ok(svg.replace("#010101", "currentColor"))
}

fn plot(confusion: &Confusion, svg: &mut String) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let n = i32::try_from(confusion.classes.len().max(1))?;
    let longest = confusion.classes.iter().map(|class| class.chars().count()).max().unwrap_or(1);
    let names = i32::try_from(longest)?.min(40) * LETTER + 34;
    let side = (560 / n).clamp(SIDES.1, SIDES.0);
    let (width, height) = (names + n * side + 16, n * side + names + 16);
    let root = SVGBackend::with_string(svg, (u32::try_from(width)?, u32::try_from(height)?)).into_drawing_area();
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let at = |h, v| Pos::new(h, v);
    for (row, counts) in (0..).zip(&confusion.matrix) {
        let support: u64 = counts.iter().sum();
        for (column, &count) in (0..).zip(counts) {
            let (x, y) = (names + column * side, 8 + row * side);
            let share = if support == 0 { 0.0 } else { count as f64 / support as f64 };
            let square = [(x, y), (x + side - 1, y + side - 1)];
            root.draw(&Rectangle::new(square, FILL.mix(0.06 + 0.9 * share).filled()))?;
            if count > 0 {
                let style = text((side / 3).clamp(9, 14)).pos(at(HPos::Center, VPos::Center));
                root.draw(&Text::new(count.to_string(), (x + side / 2, y + side / 2), style))?;
            }
        }
        let class = confusion.classes.get(usize::try_from(row)?).map_or("", String::as_str);
        let style = text(12).pos(at(HPos::Right, VPos::Center));
        root.draw(&Text::new(class.to_owned(), (names - 8, 8 + row * side + side / 2), style))?;
        let style = text(12).transform(FontTransform::Rotate270).pos(at(HPos::Right, VPos::Center));
        root.draw(&Text::new(class.to_owned(), (names + row * side + side / 2, 16 + n * side), style))?;
    }
    let style = text(13).transform(FontTransform::Rotate270).pos(at(HPos::Center, VPos::Center));
    root.draw(&Text::new("truth", (10, 8 + n * side / 2), style))?;
    let style = text(13).pos(at(HPos::Center, VPos::Bottom));
    root.draw(&Text::new("predicted", (names + n * side / 2, height - 2), style))?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_names_are_there() {
        let svg = draw(&Confusion::new(&["B cell", "T <cell>"], &[0, 0, 1], &[0, 1, 1])).unwrap();
        assert!(svg.starts_with("<svg ") && svg.contains("B cell") && svg.contains("T &lt;cell&gt;"), "{svg}");
        assert!(svg.contains("truth") && svg.contains("currentColor"));
    }
}
