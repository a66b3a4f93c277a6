//! The tables of the page.

use ferrome_core::page::{escape, grouped};

use super::{percent, value};
use crate::qc::report::{Matched, QUANTILES, Report};

fn section(id: &str, title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cell = |tag: &str, text: &str| format!("<{tag}>{text}</{tag}>");
    let head: String = head.iter().map(|text| cell("th", text)).collect();
    let head = if head.is_empty() { head } else { format!("<thead><tr>{head}</tr></thead>\n") };
    let rows: String = rows
        .map(|row| {
            let mut cells = row.iter();
            let first = cells.next().map_or_else(String::new, |text| cell("th", text));
            format!("<tr>{first}{}</tr>\n", cells.map(|text| cell("td", text)).collect::<String>())
        })
        .collect();
    format!(
        "<section id=\"{id}\"><h2>{title}</h2>\n<div class=\"wide\"><table>\n{head}<tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

/// What is one number.
pub(super) fn facts(report: &Report) -> String {
    let tally = &report.tally;
    let density = tally.entries as f64 / (report.used().max(1) as f64 * report.genes.max(1) as f64);
    let mut facts = vec![
        ("Read from", format!("{}, {}", escape(report.format), escape(&report.layer))),
        ("Cells", grouped(report.cells())),
        ("Genes", grouped(report.genes as u64)),
        ("Genes in 1 cell or more", grouped(report.seen[0] as u64)),
        ("Genes in 3 cells or more", grouped(report.seen[1] as u64)),
        ("Stored entries", format!("{} ({} of the matrix)", grouped(tally.entries), percent(density))),
        ("Cells without entries", grouped(tally.empty)),
        ("Cells rejected", grouped(tally.rejected)),
        ("Values rounded to whole numbers", grouped(tally.rounded)),
    ];
    let recognised = |found: &crate::qc::mitochondria::Mitochondria| {
        format!("{}, by {}", grouped(found.len() as u64), escape(&found.way))
    };
    facts.push(("Mitochondrial genes", report.mitochondria.as_ref().map_or("none recognised".to_owned(), recognised)));
    if let Some(Matched { style, max_length, statistics }) = &report.matched {
        let (matched, columns) = (grouped(statistics.matched() as u64), grouped(statistics.columns as u64));
        facts.push((
            "Genes matched",
            format!(
                "{matched} of {columns} ({}); {} of the vocabulary",
                percent(statistics.share()),
                percent(statistics.coverage())
            ),
        ));
        facts.push(("Style", format!("{style}, at most {} tokens", grouped(*max_length as u64))));
        let truncated = percent(report.truncated().unwrap_or_default());
        facts.push(("Cells truncated", format!("{} ({truncated})", grouped(tally.truncated))));
        facts.push(("Cells without a gene of the vocabulary", grouped(tally.unknown)));
    }
    section("facts", "Matrix", &[], facts.into_iter().map(|(name, fact)| vec![name.to_owned(), fact]))
}

/// Mean and quantiles of each distribution.
pub(super) fn distributions(report: &Report) -> String {
    let head = ["Per cell", "Mean", "Minimum", "1 %", "5 %", "25 %", "Median", "75 %", "95 %", "99 %", "Maximum"];
    let rows = report.distributions().into_iter().map(|(key, name, sketch)| {
        let show = if key == "mitochondrial_share" { percent } else { value };
        let mut row = vec![name.to_owned(), show(sketch.mean())];
        row.extend(QUANTILES.iter().map(|&q| show(sketch.quantile(q))));
        row
    });
    section("distributions", "Distributions", &head, rows)
}

/// The most expressed genes.
pub(super) fn top_genes(report: &Report) -> String {
    let head = ["Gene", "Name", "Mean share of a cell's counts", "", "Counts", "Share of all counts", "Cells"];
    let most = report.top.first().map_or(1.0, |gene| gene.mean_share);
    let rows = report.top.iter().map(|gene| {
        let width = if most > 0.0 { gene.mean_share / most * 100.0 } else { 0.0 };
        vec![
            escape(&gene.id),
            escape(gene.name.as_deref().unwrap_or_default()),
            percent(gene.mean_share),
            format!("<span class=\"bar\" style=\"width:{width:.1}%\"></span>"),
            value(gene.counts),
            percent(gene.share),
            format!("{} ({})", grouped(gene.cells), percent(gene.cells as f64 / report.used().max(1) as f64)),
        ]
    });
    section("top-genes", "Most expressed genes", &head, rows)
}

/// Cells that cannot be used; nothing without any.
pub(super) fn rejected(report: &Report) -> String {
    let tally = &report.tally;
    if tally.rejected == 0 {
        return String::new();
    }
    let rows = tally.listed.iter().map(|(cell, reason)| vec![escape(cell), escape(reason)]);
    let title = format!("Rejected cells ({}, the first {})", grouped(tally.rejected), tally.listed.len());
    section("rejected", &title, &["Cell", "Reason"], rows)
}
