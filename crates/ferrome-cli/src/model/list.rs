//! `ferrome model list`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrome_core::weights::{self, Entry};
use indicatif::DecimalBytes;
use serde_json::{Value, json};

use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome model list
  ferrome model list --json

Sizes are those of the weights.";

/// A table of the models that `-m` takes by name
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// As JSON, with repository, revision and what each model is for
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let models: Vec<(&Entry, Option<PathBuf>)> =
        weights::registry().iter().map(|entry| (entry, super::locate(entry).ok())).collect();
    if args.json {
        let models: Vec<Value> = models.iter().map(|(entry, path)| described(entry, path.as_deref())).collect();
        tell::answer(serde_json::to_string_pretty(&models)?)
    } else {
        tell::answer(table(&models))
    }
}

fn described(entry: &Entry, path: Option<&Path>) -> Value {
    json!({
        "name": entry.name,
        "family": entry.family,
        "room": entry.room.map(|room| room.name()),
        "use": entry.purpose,
        "licence": entry.licence,
        "repository": entry.repository,
        "revision": entry.repository.as_ref().map(|_| &entry.revision),
        "folder": entry.folder,
        "by_hand": entry.by_hand,
        "bytes": entry.about_bytes,
        "path": path.map(|path| path.display().to_string()),
    })
}

fn table(models: &[(&Entry, Option<PathBuf>)]) -> String {
    let mut rows = vec![["name", "family", "size", "licence", "where"].map(str::to_owned)];
    for (entry, path) in models {
        let size = entry.about_bytes.map_or("?".to_owned(), |bytes| DecimalBytes(bytes).to_string());
        let place = match path {
            Some(path) => path.display().to_string(),
            None if entry.by_hand.is_some() => "not here (Google Drive)".to_owned(),
            None => "not here".to_owned(),
        };
        let licence = entry.licence.split(" (").next().unwrap_or_default().to_owned();
        rows.push([entry.name.clone(), entry.family.clone(), size, licence, place]);
    }
    aligned(&rows)
}

/// Columns side by side, the last as long as it is.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|i| rows.iter().map(|row| row.get(i).map_or(0, |cell| cell.chars().count())).max().unwrap_or(0))
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "bb", "c"], ["aaa", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a    bb  c\naaa  b");
    }
}
