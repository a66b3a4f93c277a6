//! The report as one HTML page.

mod table;

use std::fmt::Write;

use ferrome_core::page::{escape, grouped};

use super::figures::{Figure, figures};
use super::report::Report;
use crate::Result;

const STYLE: &str = include_str!("page/style.css");

/// The whole page.
pub(super) fn page(report: &Report, title: &str) -> Result<String> {
    let mut html = String::new();
    let title = escape(title);
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: quality of cells</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1><p>{}</p></header>\n<main>\n",
        escape(&report.line())
    );
    for notice in notices(report) {
        let _ = writeln!(html, "<p class=\"notice\">{}</p>", escape(&notice));
    }
    html.push_str(&table::facts(report));
    html.push_str(&table::distributions(report));
    html.push_str("<section id=\"plots\">\n");
    for drawn in figures(report)? {
        html.push_str(&figure(&drawn));
    }
    html.push_str("</section>\n");
    html.push_str(&table::top_genes(report));
    html.push_str(&table::rejected(report));
    let numbers = report.numbers().to_string().replace('<', "\\u003c");
    let _ = writeln!(html, "<script type=\"application/json\" id=\"numbers\">{numbers}</script>");
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(html, "</main>\n<footer>ferrome {version}</footer>\n</body>\n</html>\n");
    Ok(html)
}

/// What a reader has to know before the numbers.
fn notices(report: &Report) -> Vec<String> {
    let mut notices = Vec::new();
    if report.cells() == 0 {
        notices.push("There is no cell in this input.".to_owned());
    }
    if report.kind == crate::cells::ValueKind::Floats {
        notices.push("The values are no counts: sums and shares are those of the values as they are.".to_owned());
    }
    if report.mitochondria.is_none() {
        notices.push(
            "No mitochondrial gene was recognised: no symbol starts with MT- and no id is one of the 37 of human or \
             mouse. The mitochondrial share is not known."
                .to_owned(),
        );
    }
    if report.matched.is_none() {
        notices.push("Without --vocabulary nothing is said about tokens.".to_owned());
    }
    if report.rejected() > 0 {
        let (rejected, cells) = (grouped(report.rejected()), grouped(report.cells()));
        notices.push(format!("{rejected} of {cells} cells were rejected and are in none of the numbers."));
    }
    notices
}

fn figure(figure: &Figure) -> String {
    let Figure { id, title, caption, plot, ramp } = figure;
    let ramp = ramp.as_ref().map_or_else(String::new, |end| {
        format!("<div class=\"ramp\"><span>0 %</span><span class=\"colours\"></span><span>{end} or more</span></div>")
    });
    format!(
        "<figure id=\"{id}\" data-marks=\"{}\">\n<h2>{title}</h2>\n{}\n{ramp}<figcaption>{}</figcaption>\n</figure>\n",
        plot.marks,
        plot.svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1).trim(),
        escape(caption)
    )
}

/// A value of a distribution: whole numbers with commas, others with as many places as say something.
pub(super) fn value(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    if size.fract() == 0.0 || size >= 1000.0 {
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    if size >= 1.0 { format!("{value:.1}") } else { format!("{value:.4}") }
}

/// A share as percent.
pub(super) fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.2} %", share * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
        let values = [f64::NAN, 0.0, 0.25, 12.5, 999.0, 1234.56, -1234.0];
        assert_eq!(values.map(value), ["–", "0", "0.2500", "12.5", "999", "1,235", "-1,234"]);
        assert_eq!([f64::NAN, 0.1234].map(percent), ["–", "12.34 %"]);
    }

    #[test]
    fn text_is_no_html() {
        assert_eq!(escape("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }
}
