//! What people read without scripts.

use ferrome_core::journal::METADATA_PREFIX;
use ferrome_core::page::{escape, grouped};

use super::Content;

/// Characters of a value of metadata.
const LONG: usize = 600;
/// Keys of metadata that are for readers of files.
const TECHNICAL: [&str; 4] = ["ARROW:schema", "pandas", "huggingface", "ferrome.part"];

/// One line about the table.
pub(super) fn line(content: &Content) -> String {
    let rows = content.rows;
    let mut parts = vec![format!("{} rows", grouped(rows.ids.len() as u64))];
    if content.plan.vectors.is_some() {
        parts.push(format!("vectors of {} numbers", grouped(rows.width as u64)));
    }
    parts.push(content.source.about().kind.to_owned());
    parts.join(" · ")
}

/// What a reader has to know first.
pub(super) fn notices(content: &Content) -> Vec<String> {
    let (rows, outcome, mut notices) = (content.rows, content.outcome, Vec::new());
    if let Some(drawn) = rows.drawn {
        let kept = if content.plan.has_map() || content.plan.score.is_none() {
            String::new()
        } else {
            ", and those with the best scores in any case".to_owned()
        };
        notices.push(format!(
            "{} of the {} rows were drawn by chance (seed {}){kept}.",
            grouped(drawn),
            grouped(outcome.table_rows),
            content.request.seed
        ));
    }
    if outcome.left_out > 0 {
        let lacks = if content.plan.vectors.is_some() { "a vector of finite numbers" } else { "finite coordinates" };
        notices.push(format!("{} rows without {lacks} are left out.", grouped(outcome.left_out)));
    }
    if let Some((directions, share)) = rows.reduced {
        notices.push(format!(
            "The vectors are held in {directions} of {} directions, which keep {:.1} % of their squared lengths: map and \
             neighbours are made from these.",
            grouped(rows.width as u64),
            share * 100.0
        ));
    }
    notices
}

/// The tables at the end of the page.
pub(super) fn tables(content: &Content) -> String {
    let mut html = table("facts", "Table", &facts(content));
    let run: Vec<(String, String)> = content
        .source
        .about()
        .metadata
        .iter()
        .filter(|(key, _)| !TECHNICAL.contains(&key.as_str()))
        .map(|(key, value)| (key.strip_prefix(METADATA_PREFIX).unwrap_or(key).to_owned(), shortened(value)))
        .collect();
    if !run.is_empty() {
        html.push_str(&table("run", "The run that wrote the table", &run));
    }
    html
}

fn facts(content: &Content) -> Vec<(String, String)> {
    let (request, rows, outcome) = (content.request, content.rows, content.outcome);
    let mut facts = vec![
        ("File", request.table.display().to_string()),
        ("Rows of the table", grouped(outcome.table_rows)),
        ("Rows on this page", grouped(outcome.rows)),
        ("Rows left out", grouped(outcome.left_out)),
        ("Names of rows", content.id_name().to_owned()),
    ];
    if let Some(vectors) = &content.plan.vectors {
        facts.push(("Vectors", format!("{}, {} numbers", vectors.name(), grouped(rows.width as u64))));
    }
    if let Some(places) = &content.places {
        facts.push(("Map", places.how.clone()));
    }
    if let Some(near) = &content.near {
        let found = match near.recall {
            Some(recall) => {
                let among = if rows.reduced.is_some() { " in the directions that are held" } else { "" };
                format!("{:.1} % of the true ones{among}, measured on 200 rows", recall * 100.0)
            }
            None => "exact".to_owned(),
        };
        facts.push(("Nearest neighbours", format!("{} of each row by the cosine of the vectors; {found}", near.count)));
    }
    if let Some(score) = &content.plan.score {
        facts.push(("Scores", format!("{score}, the larger the better")));
    }
    let empty = rows.empty.iter().map(|name| format!("{name} (no values)"));
    let unshown: Vec<String> = content.plan.unshown.iter().cloned().chain(empty).collect();
    if !unshown.is_empty() {
        facts.push(("Columns that are not here", unshown.join(", ")));
    }
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

fn table(id: &str, title: &str, rows: &[(String, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(key, value)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(key), escape(value)))
        .collect();
    format!(
        "<section id=\"{id}\"><h2>{title}</h2>\n<div class=\"wide\"><table class=\"facts\"><tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(LONG) {
        Some((end, _)) => format!("{} … ({} characters)", value.get(..end).unwrap_or_default(), value.chars().count()),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_between_letters() {
        let value = "é".repeat(LONG + 5);
        assert_eq!(shortened(&value), format!("{} … (605 characters)", "é".repeat(LONG)));
        assert_eq!(shortened("short"), "short");
    }
}
