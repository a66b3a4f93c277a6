//! Plots as SVG that takes the colour of the text around it, so that it is read on light and dark pages.

use std::error::Error as StdError;
use std::ops::Range;

use hashbrown::HashMap;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::scored::{Known, Scored};
use crate::{Error, Result, metrics};

const SIZE: (u32, u32) = (520, 420);
/// Stands for the colour of the text, until the SVG is done.
const INK: RGBColor = RGBColor(1, 1, 1);
const COLOURS: [RGBColor; 4] =
    [RGBColor(0x3b, 0x82, 0xc4), RGBColor(0xe0, 0x6c, 0x2b), RGBColor(0x3f, 0x9e, 0x5f), RGBColor(0x8a, 0x8a, 0x8a)];
/// Bins along each side of the scatter plot.
const BINS: f64 = 80.0;

type Drawn = std::result::Result<(), Box<dyn StdError + Send + Sync>>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws axes over `x` and `y`, and what `marks` draws on them.
fn plot(
    (x, y): (Range<f64>, Range<f64>),
    (x_title, y_title): (&str, &str),
    marks: impl FnOnce(&mut Chart<'_>) -> Drawn,
) -> Result<String> {
    let mut svg = String::new();
    let draw = |svg: &mut String| -> Drawn {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart =
            ChartBuilder::on(&root).margin(10).x_label_area_size(42).y_label_area_size(54).build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .x_desc(x_title)
            .y_desc(y_title)
            .label_style(("sans-serif", 13, &INK))
            .axis_desc_style(("sans-serif", 14, &INK))
            .draw()?;
        marks(&mut chart)?;
        root.present()?;
        Ok(())
    };
    draw(&mut svg).map_err(|e| Error::Model(format!("a plot: {e}")))?;
    Ok(svg.replace("#010101", "currentColor"))
}

/// Truth against score, in bins: the more pairs, the more opaque.
pub(super) fn scatter(known: &Known, model: &Scored, label: &str) -> Result<String> {
    let pairs = || known.truth.iter().zip(&model.score).filter(|(t, s)| t.is_finite() && s.is_finite());
    let all = || pairs().flat_map(|(truth, score)| [*truth, *score]);
    let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
    let side = (high - low) / BINS;
    let bin = |value: f64| ((value - low) / side).floor() as i64;
    let mut bins: HashMap<(i64, i64), u32> = HashMap::new();
    pairs().for_each(|(truth, score)| *bins.entry((bin(*truth), bin(*score))).or_insert(0) += 1);
    let most = f64::from(bins.values().copied().max().unwrap_or(1)).ln_1p();
    let mut bins: Vec<_> = bins.into_iter().collect();
    bins.sort_unstable();
    let range = low - side..high + 2.0 * side;
    plot((range.clone(), range), (&format!("measured {label}"), &format!("predicted {label}")), |chart| {
        chart.draw_series(LineSeries::new([(low, low), (high, high)], INK.mix(0.5).stroke_width(1)))?;
        chart.draw_series(bins.iter().map(|&((x, y), count)| {
            let corner = |x: i64, y: i64| (low + x as f64 * side, low + y as f64 * side);
            let opacity = 0.25 + 0.75 * f64::from(count).ln_1p() / most;
            Rectangle::new([corner(x, y), corner(x + 1, y + 1)], COLOURS[0].mix(opacity).filled())
        }))?;
        Ok(())
    })
}

/// What models promise against what holds, with a diagonal for those that keep their promise.
pub(super) fn calibration(known: &Known, models: &[Scored]) -> Result<String> {
    let titles = if known.has_affinity {
        ("promised share of pairs within the interval", "found share")
    } else {
        ("predicted probability", "share of interactions")
    };
    let curve = if known.has_affinity { coverage } else { reliability };
    lines(models.iter().map(|model| (model, curve(known, model))), titles)
}

/// True against false positives; `None` without labels of both kinds.
pub(super) fn roc(known: &Known, models: &[Scored]) -> Result<Option<String>> {
    let ones = known.positive.iter().filter(|positive| **positive).count();
    if ones == 0 || ones == known.positive.len() {
        return Ok(None);
    }
    let curves = models.iter().map(|model| (model, roc_points(&known.positive, &model.score)));
    lines(curves, ("share of non-interactions above a score", "share of interactions above it")).map(Some)
}

fn lines<'a>(curves: impl Iterator<Item = (&'a Scored, Vec<(f64, f64)>)>, titles: (&str, &str)) -> Result<String> {
    let curves: Vec<_> = curves.filter(|(_, points)| !points.is_empty()).collect();
    plot((0.0..1.0, 0.0..1.0), titles, |chart| {
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], INK.mix(0.4).stroke_width(1)))?;
        for ((model, points), colour) in curves.into_iter().zip(COLOURS.into_iter().cycle()) {
            let name = model.name.split(" (").next().unwrap_or_default().to_owned();
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .label_font(("sans-serif", 12, &INK))
            .border_style(INK.mix(0.3))
            .draw()?;
        Ok(())
    })
}

/// Found over promised shares, in steps of 5 %; none without standard deviations.
fn coverage(known: &Known, model: &Scored) -> Vec<(f64, f64)> {
    let found = |level: f64| {
        let quantile = metrics::normal_quantile(0.5 + level / 2.0);
        let widths: Vec<f64> = model.std.iter().map(|std| std * quantile).collect();
        Some((level, metrics::coverage(&known.truth, &model.score, &widths)?))
    };
    (1..20).filter_map(|i| found(f64::from(i) / 20.0)).collect()
}

/// Share of interactions over mean probability in ten bins of equal width.
fn reliability(known: &Known, model: &Scored) -> Vec<(f64, f64)> {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (&positive, &p) in known.positive.iter().zip(&model.score) {
        let bin = &mut bins[((p * 10.0).max(0.0) as usize).min(9)];
        *bin = (bin.0 + 1.0, bin.1 + p, bin.2 + f64::from(u8::from(positive)));
    }
    bins.iter().filter(|bin| bin.0 > 0.0).map(|(n, p, positives)| ((p / n).clamp(0.0, 1.0), positives / n)).collect()
}

/// At most some 200 points.
fn roc_points(positive: &[bool], score: &[f64]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..score.len().min(positive.len())).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]));
    let ones = positive.iter().filter(|positive| **positive).count() as f64;
    let zeros = positive.len() as f64 - ones;
    let (mut points, mut found, mut wrong, mut last) = (vec![(0.0, 0.0)], 0.0, 0.0, 0.0);
    for group in order.chunk_by(|&a, &b| score[a] == score[b]) {
        let hits = group.iter().filter(|&&i| positive[i]).count() as f64;
        (found, wrong) = (found + hits, wrong + group.len() as f64 - hits);
        let moved = found / ones + wrong / zeros;
        if moved - last > 0.01 || (found == ones && wrong == zeros) {
            points.push((wrong / zeros, found / ones));
            last = moved;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curve_of_a_perfect_and_of_a_constant_model() {
        let positive = [true, false, true, false];
        assert_eq!(
            roc_points(&positive, &[4.0, 1.0, 3.0, 0.0]),
            [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]
        );
        assert_eq!(roc_points(&positive, &[1.0; 4]), [(0.0, 0.0), (1.0, 1.0)]);
    }

    #[test]
    fn plots_of_few_pairs() {
        let known = Known { truth: vec![5.0, 7.0], positive: vec![false, true], has_affinity: true };
        let model = Scored { name: "m".into(), measures: Vec::new(), score: vec![5.5, 6.0], std: vec![1.0, 1.0] };
        let svg = scatter(&known, &model, "pKd").unwrap();
        assert!(svg.contains("predicted pKd") && svg.contains("currentColor"), "{svg}");
        assert!(calibration(&known, std::slice::from_ref(&model)).unwrap().contains("polyline"));
        assert!(roc(&known, std::slice::from_ref(&model)).unwrap().is_some());
        let one = Known { positive: vec![true, true], ..known };
        assert!(roc(&one, std::slice::from_ref(&model)).unwrap().is_none());
    }
}
