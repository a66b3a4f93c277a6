//! The figures of a report.

use ferrome_core::page::grouped;

use super::page::{percent, value};
use super::plot::{Bars, Colours, Plot, Titles, histogram, knee, scatter};
use super::report::{Matched, Report};
use crate::Result;

/// Bins of the scatter plot, at most.
const PATCHES: usize = 2500;

/// A plot with what is said about it.
pub(super) struct Figure {
    /// Its `id` on the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) caption: String,
    pub(super) plot: Plot,
    /// The share at the end of the colours.
    pub(super) ramp: Option<String>,
}

/// All figures, in the order of the page.
pub(super) fn figures(report: &Report) -> Result<Vec<Figure>> {
    let mut figures = vec![counts(report)?, genes(report)?];
    if report.mitochondria.is_some() {
        figures.push(mitochondrial(report)?);
    }
    figures.extend([plane(report)?, ranks(report)?]);
    if let Some(matched) = &report.matched {
        figures.push(tokens(report, matched)?);
    }
    Ok(figures)
}

fn counts(report: &Report) -> Result<Figure> {
    let sketch = &report.tally.counts;
    let without = report.used() - report.tally.with_counts;
    let plot =
        histogram(&Bars::logarithmic(sketch), Some(sketch.quantile(0.5)), Titles { x: "counts per cell", y: "cells" })?;
    let caption = format!("Median {} (line).{}", value(sketch.quantile(0.5)), left_out(without, "without counts"));
    Ok(Figure { id: "counts", title: "Counts per cell", caption, plot, ramp: None })
}

fn genes(report: &Report) -> Result<Figure> {
    let sketch = &report.tally.genes;
    let plot =
        histogram(&Bars::linear(sketch), Some(sketch.quantile(0.5)), Titles { x: "genes per cell", y: "cells" })?;
    let caption = format!("Median {} (line).", value(sketch.quantile(0.5)));
    Ok(Figure { id: "genes", title: "Genes per cell", caption, plot, ramp: None })
}

fn mitochondrial(report: &Report) -> Result<Figure> {
    let sketch = &report.tally.mitochondrial;
    let plot = histogram(
        &Bars::linear(sketch),
        Some(sketch.quantile(0.5)),
        Titles { x: "mitochondrial share of counts", y: "cells" },
    )?;
    let caption = format!(
        "Median {} (line), 95 % of cells below {}.",
        percent(sketch.quantile(0.5)),
        percent(sketch.quantile(0.95))
    );
    Ok(Figure { id: "mitochondrial", title: "Mitochondrial share", caption, plot, ramp: None })
}

fn plane(report: &Report) -> Result<Figure> {
    let patches = report.tally.plane.patches(PATCHES);
    // Beyond the 99 % quantile colours would tell only of outliers.
    let most = report.tally.mitochondrial.quantile(0.99).max(0.01);
    let colours = if report.mitochondria.is_some() { Colours::UpTo(most) } else { Colours::Plain };
    let plot = scatter(&patches, colours, Titles { x: "counts per cell", y: "genes per cell" })?;
    let said = if report.mitochondria.is_some() { ", coloured by the mean mitochondrial share" } else { "" };
    let caption = format!("{} bins{said}; more opaque bins hold more cells.", grouped(patches.len() as u64));
    let ramp = report.mitochondria.as_ref().map(|_| percent(most));
    Ok(Figure { id: "plane", title: "Genes against counts", caption, plot, ramp })
}

fn ranks(report: &Report) -> Result<Figure> {
    let plot = knee(&report.tally.counts, Titles { x: "cells, by falling counts", y: "counts per cell" })?;
    let caption = "A knee parts cells from empty droplets; filtered matrices have little of it.".to_owned();
    Ok(Figure { id: "knee", title: "Counts by rank", caption, plot, ramp: None })
}

fn tokens(report: &Report, matched: &Matched) -> Result<Figure> {
    let sketch = &report.tally.tokens;
    let limit = matched.max_length as f64;
    let plot = histogram(&Bars::linear(sketch), Some(limit), Titles { x: "tokens per cell", y: "cells" })?;
    let caption = format!(
        "Style {}, at most {} tokens; {} of cells have more genes than fit.{}",
        matched.style,
        grouped(matched.max_length as u64),
        percent(report.truncated().unwrap_or_default()),
        if report.tally.unknown > 0 {
            format!(" {} cells have no gene of the vocabulary.", grouped(report.tally.unknown))
        } else {
            String::new()
        }
    );
    Ok(Figure { id: "tokens", title: "Token lengths", caption, plot, ramp: None })
}

fn left_out(cells: u64, why: &str) -> String {
    if cells == 0 { String::new() } else { format!(" {} cells {why} are not drawn.", grouped(cells)) }
}
