//! The report as one HTML page that loads nothing.

use std::fmt::Write;

use ferrome_core::page::{escape, grouped};

use super::pictures::Picture;
use super::report::{shown, summary};
use super::tables::measures;
use super::{Finish, Method};
use crate::integration::Scores;

/// The looks of all pages of the house.
const STYLE: &str = include_str!("../../qc/page/style.css");

/// The whole page; `curve` is the SVG of the learning curve.
pub(super) fn page(finish: &Finish, methods: &[Method], pictures: &[Picture], curve: &str) -> String {
    let title = escape(finish.title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: batches integrated</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1><p>{}</p></header>\n<main>\n",
        escape(&summary(finish))
    );
    for (reason, count, first) in finish.corpus.left_out() {
        let count = grouped(count as u64);
        // Writing into a String does not fail.
        let _ = writeln!(
            html,
            "<p class=\"notice\">{count} cells were left out, {} first: {}</p>",
            escape(&first),
            escape(&reason)
        );
    }
    html.push_str(&scores(methods));
    html.push_str("<section id=\"plots\">\n");
    for picture in pictures {
        let name = format!("{}, by {}", picture.method, picture.colour);
        html.push_str(&figure(&name, &picture.svg));
    }
    html.push_str(&figure("Learning curve", curve));
    html.push_str("</section>\n");
    html.push_str(&sizes(finish));
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(html, "</main>\n<footer>ferrome {version}</footer>\n</body>\n</html>\n");
    html
}

fn figure(name: &str, svg: &str) -> String {
    let name = escape(name);
    let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{name}\" "), 1);
    format!("<figure>\n<h2>{name}</h2>\n{}\n</figure>\n", svg.trim())
}

fn scores(methods: &[Method]) -> String {
    let names = measures(&Scores::default()).map(|(name, _)| name.to_owned());
    let best = |place: usize| {
        let values = methods.iter().filter_map(|method| measures(&method.scores)[place].1);
        values.fold(f64::NEG_INFINITY, f64::max)
    };
    let rows = methods.iter().map(|method| {
        let values = measures(&method.scores).into_iter().enumerate().map(|(place, (_, value))| match value {
            Some(value) if value >= best(place) => format!("<strong>{}</strong>", shown(Some(value))),
            value => shown(value),
        });
        std::iter::once(escape(&method.name)).chain(values).collect()
    });
    let head = std::iter::once("Method".to_owned()).chain(names.map(|name| name.replace('_', " "))).collect();
    table("scores", "Scores", head, rows.collect())
}

fn sizes(finish: &Finish) -> String {
    let corpus = finish.corpus;
    let mut head = vec!["Batch".to_owned(), "Cells".to_owned()];
    head.extend(corpus.types.iter().map(|name| escape(name)));
    let count = |batch: usize, kind: Option<usize>| {
        let cells = corpus.batch.iter().zip(&corpus.kind);
        cells.filter(|&(&of, &found)| of == batch && (kind.is_none() || found == kind)).count() as u64
    };
    let row = |(batch, name): (usize, &String)| {
        let kinds = (0..corpus.types.len()).map(|kind| grouped(count(batch, Some(kind))));
        [escape(name), grouped(count(batch, None))].into_iter().chain(kinds).collect()
    };
    table("batches", "Batches", head, corpus.batches.iter().enumerate().map(row).collect())
}

/// Cells of the table are HTML already.
fn table(id: &str, title: &str, head: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let head: String = head.iter().map(|text| format!("<th>{text}</th>")).collect();
    let row = |row: &Vec<String>| {
        let mut cells = row.iter();
        let first = cells.next().map_or("", String::as_str);
        format!("<tr><th>{first}</th>{}</tr>\n", cells.map(|text| format!("<td>{text}</td>")).collect::<String>())
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<section id=\"{id}\"><h2>{title}</h2>\n<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n"
    )
}
