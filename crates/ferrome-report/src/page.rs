//! The page: what it holds as JSON and arrays, its scripts, and what people read without them.

mod facts;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrome_core::page::{escape, grouped};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::blob::Blobs;
use crate::columns::{Column, Values};
use crate::near::Near;
use crate::place::Places;
use crate::read::Source;
use crate::rows::Rows;
use crate::table::Plan;
use crate::{Outcome, Request, Result};

const STYLE: &str = include_str!("page/style.css");
/// regl-scatterplot and what it needs; see `scripts/make_report_bundle.sh`.
const SCATTERPLOT: &str = include_str!("../assets/scatterplot.js");
/// The page's own scripts, in the order in which they use one another.
const SCRIPTS: [&str; 9] = [
    include_str!("page/data.js"),
    include_str!("page/colours.js"),
    include_str!("page/plane_gl.js"),
    include_str!("page/plane_flat.js"),
    include_str!("page/legend.js"),
    include_str!("page/points.js"),
    include_str!("page/rows.js"),
    include_str!("page/histograms.js"),
    include_str!("page/main.js"),
];

/// Everything that a page is made of.
pub(crate) struct Content<'a> {
    pub(crate) request: &'a Request,
    pub(crate) source: &'a dyn Source,
    pub(crate) plan: &'a Plan,
    pub(crate) rows: &'a Rows,
    pub(crate) places: Option<Places>,
    pub(crate) near: Option<Near>,
    pub(crate) outcome: Outcome,
}

/// The whole page.
pub(crate) fn page(content: &Content) -> Result<String> {
    let mut blobs = Blobs::default();
    let about = about(content, &mut blobs)?;
    // Within an element `<` could end it.
    let about = about.to_string().replace('<', "\\u003c");
    let script = format!("(() => {{\n\"use strict\";\n{}\n}})();\n", SCRIPTS.join("\n"));
    let title = escape(&content.title());
    let mut html = String::with_capacity(blobs.html.len() + (1 << 19));
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1><p>{}</p></header>\n<main>\n",
        policy(&script),
        escape(&facts::line(content))
    );
    for notice in facts::notices(content) {
        let _ = writeln!(html, "<p class=\"notice\">{}</p>", escape(&notice));
    }
    html.push_str(
        "<noscript><p class=\"notice\">The points are drawn by scripts of this page; allow them.</p></noscript>\n",
    );
    html.push_str(&body(content));
    html.push_str(&facts::tables(content));
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(html, "</main>\n<footer>ferrome {version}; points drawn by regl-scatterplot (MIT)</footer>\n");
    let _ = writeln!(html, "<script type=\"application/json\" id=\"about\">{about}</script>");
    html.push_str(&blobs.html);
    let _ = write!(html, "<script>{SCATTERPLOT}</script>\n<script>{script}</script>\n</body>\n</html>\n");
    Ok(html)
}

/// What the page may do: run its own two scripts, and nothing from elsewhere. regl writes shader programs' glue code at
/// run time, which browsers call eval; regl-scatterplot adds rules for its lasso to a style element of its own.
fn policy(script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; script-src {} {} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; \
         base-uri 'none'; form-action 'none'",
        hash(SCATTERPLOT),
        hash(script)
    )
}

impl Content<'_> {
    fn title(&self) -> String {
        let path = &self.request.table;
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }

    /// What is known of rows, such as `cell_id`.
    fn id_name(&self) -> &str {
        self.plan.id.as_ref().map_or("row", |id| id.name.as_str())
    }
}

/// What the scripts need to know.
fn about(content: &Content, blobs: &mut Blobs) -> Result<Value> {
    let rows = content.rows;
    let columns = rows.columns.iter().map(|column| column_of(column, blobs)).collect::<Result<Vec<_>>>()?;
    let map = match &content.places {
        Some(places) => json!({
            "x": blobs.numbers(places.x.iter().map(|value| value.to_le_bytes()))?,
            "y": blobs.numbers(places.y.iter().map(|value| value.to_le_bytes()))?,
            "axes": places.axes,
        }),
        None => Value::Null,
    };
    let near = match &content.near {
        Some(near) => json!({
            "count": near.count,
            "others": blobs.numbers(near.others.iter().map(|other| other.to_le_bytes()))?,
            "cosines": blobs.numbers(near.cosines.iter().map(|cosine| cosine.to_le_bytes()))?,
        }),
        None => Value::Null,
    };
    Ok(json!({
        "title": content.title(),
        "rows": rows.ids.len(),
        "id": content.id_name(),
        "ids": blobs.texts(rows.ids.iter().map(String::as_str))?,
        "columns": columns,
        "map": map,
        "near": near,
        "colour": content.request.colour,
        "score": content.plan.score,
        "group": content.plan.group,
    }))
}

fn column_of(column: &Column, blobs: &mut Blobs) -> Result<Value> {
    Ok(match &column.values {
        Values::Numbers { values, .. } if column.is_long() => json!({
            "name": column.name, "kind": "number", "type": "f64",
            "values": blobs.numbers(values.iter().map(|value| value.to_le_bytes()))?,
        }),
        Values::Numbers { values, .. } => json!({
            "name": column.name, "kind": "number", "type": "f32",
            "values": blobs.numbers(values.iter().map(|&value| (value as f32).to_le_bytes()))?,
        }),
        Values::Texts { codes, names, .. } => {
            let (kind, values) = match names.len() {
                0..=254 => ("u8", blobs.add(&codes.iter().map(|&code| code as u8).collect::<Vec<_>>())?),
                255..=65_534 => ("u16", blobs.numbers(codes.iter().map(|&code| (code as u16).to_le_bytes()))?),
                _ => ("u32", blobs.numbers(codes.iter().map(|code| code.to_le_bytes()))?),
            };
            let texts = blobs.texts(names.iter().map(String::as_str))?;
            json!({"name": column.name, "kind": "text", "type": kind, "values": values, "texts": texts})
        }
    })
}

/// The parts that scripts fill.
fn body(content: &Content) -> String {
    let id = escape(content.id_name());
    let mut html = String::new();
    if let Some(places) = &content.places {
        let _ = write!(
            html,
            include_str!("page/map.html"),
            rows = grouped(content.rows.ids.len() as u64),
            how = escape(&places.how),
            axes = escape(&places.axes.join(", ")),
            id = id
        );
    }
    html.push_str(include_str!("page/rows.html"));
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_cannot_end_their_element() {
        for script in SCRIPTS.iter().chain([&SCATTERPLOT]) {
            assert!(!script.to_lowercase().contains("</script") && !script.contains("<!--"));
        }
        assert!(!STYLE.to_lowercase().contains("</style"));
    }

    #[test]
    fn policy_holds_the_digests_of_both_scripts() {
        // echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert!(policy("alert(1)").contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"));
        assert!(policy("").starts_with("default-src 'none'; script-src 'sha256-"));
    }
}
