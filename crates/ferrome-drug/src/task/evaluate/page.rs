//! The report as Markdown and as one HTML page.

use std::fmt::Write;

use ferrome_core::page::escape;

use super::{Report, plots, scored::Measure};
use crate::Result;

const STYLE: &str = "\
:root { color-scheme: light dark; }\n\
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }\n\
.wide { overflow-x: auto; }\n\
table { border-collapse: collapse; }\n\
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .3rem .7rem; }\n\
td { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }\n\
th { text-align: left; }\n\
small { opacity: .7; }\n\
#plots { display: flex; flex-wrap: wrap; gap: 1rem; }\n\
figure { flex: 1 1 20rem; margin: 0; max-width: 34rem; }\n\
svg { height: auto; max-width: 100%; }\n";

/// What stands under the table.
const NOTE: &str = "In brackets: 95 % intervals by the bootstrap over pairs. The model is the first line; the \
others are what it has to be better than, trained on the same pairs.";

/// The table with its words.
pub(super) fn markdown(report: &Report) -> String {
    let names = columns(report);
    let mut text = format!("# {}: {} {}\n\n| model |", report.label, report.count, report.pairs);
    names.iter().for_each(|name| text.push_str(&format!(" {name} |")));
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(names.len()));
    for model in &report.models {
        let _ = write!(text, "| {} |", model.name);
        for name in &names {
            let found = model.measures.iter().find(|measure| measure.name == *name);
            let (value, interval) = found.map_or_else(|| ("–".into(), String::new()), cell);
            let _ = write!(text, " {value}{} |", if interval.is_empty() { interval } else { format!(" {interval}") });
        }
        text.push('\n');
    }
    text.push_str(&format!("\n{NOTE}\n"));
    text
}

/// The table and the plots; nothing is loaded from elsewhere.
pub(super) fn html(report: &Report) -> Result<String> {
    let names = columns(report);
    let title = escape(&format!("{}: {} {}", report.label, report.count, report.pairs));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <div class=\"wide\"><table>\n<thead><tr><th>model</th>"
    );
    names.iter().for_each(|name| page.push_str(&format!("<th>{}</th>", escape(name))));
    page.push_str("</tr></thead>\n<tbody>\n");
    for model in &report.models {
        let _ = write!(page, "<tr><th>{}</th>", escape(&model.name));
        for name in &names {
            let found = model.measures.iter().find(|measure| measure.name == *name);
            let (value, interval) = found.map_or_else(|| ("–".into(), String::new()), cell);
            let _ = write!(page, "<td>{value} <small>{interval}</small></td>");
        }
        page.push_str("</tr>\n");
    }
    let _ = write!(page, "</tbody></table></div>\n<p>{NOTE}</p>\n<section id=\"plots\">\n");
    for (id, title, svg) in figures(report)? {
        let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1);
        let _ = write!(page, "<figure id=\"{id}\"><h2>{title}</h2>\n{}</figure>\n", svg.trim());
    }
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(page, "</section>\n<footer>ferrome {version}</footer>\n</body>\n</html>\n");
    Ok(page)
}

fn figures(report: &Report) -> Result<Vec<(&'static str, &'static str, String)>> {
    let mut figures = Vec::new();
    if let (true, Some(model)) = (report.known.has_affinity, report.models.first()) {
        figures.push((
            "scatter",
            "Measured and predicted",
            plots::scatter(&report.known, model, &escape(&report.label))?,
        ));
    }
    figures.push(("calibration", "Calibration", plots::calibration(&report.known, &report.models)?));
    if let Some(roc) = plots::roc(&report.known, &report.models)? {
        figures.push(("roc", "Receiver operating characteristic", roc));
    }
    Ok(figures)
}

/// The names of all measures, in order.
fn columns(report: &Report) -> Vec<&'static str> {
    let mut names = Vec::new();
    for measure in report.models.iter().flat_map(|model| &model.measures) {
        if !names.contains(&measure.name) {
            names.push(measure.name);
        }
    }
    names
}

/// The value, and its interval in brackets.
fn cell(measure: &Measure) -> (String, String) {
    let value = measure.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    (value, measure.interval.map_or_else(String::new, |i| format!("[{:.4}, {:.4}]", i.low, i.high)))
}
