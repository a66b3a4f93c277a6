use std::path::Path;

use crate::{Error, Result};

/// Which columns and fields hold what; `None` looks for the usual name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Columns {
    /// The column of ids: `id`.
    pub id: Option<String>,
    /// The column of SMILES: `smiles`.
    pub smiles: Option<String>,
    /// The data field of an SDF file that holds the id; its title line otherwise.
    pub id_field: Option<String>,
}

/// The places of the columns in a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Places {
    pub(super) id: Option<usize>,
    pub(super) smiles: usize,
}

impl Columns {
    /// Finds the columns among `names`, the header of the file at `path`.
    pub(super) fn find(&self, names: &[String], path: &Path) -> Result<Places> {
        let smiles = place(names, self.smiles.as_deref(), "smiles")
            .ok_or_else(|| missing(path, names, self.smiles.as_deref().unwrap_or("smiles"), Some("--smiles-column")))?;
        let id = place(names, self.id.as_deref(), "id");
        match &self.id {
            Some(name) if id.is_none() => Err(missing(path, names, name, Some("--id-column"))),
            _ => Ok(Places { id, smiles }),
        }
    }
}

/// A column that was named must be there as it was named; the usual one in any case.
pub(super) fn place(names: &[String], named: Option<&str>, usual: &str) -> Option<usize> {
    let exact = |name: &str| names.iter().position(|found| found == name);
    match named {
        Some(name) => exact(name),
        None => exact(usual).or_else(|| names.iter().position(|found| found.eq_ignore_ascii_case(usual))),
    }
}

/// The error of a table that has no column `wanted`; `flag` names another one.
pub(super) fn missing(path: &Path, names: &[String], wanted: &str, flag: Option<&str>) -> Error {
    const SHOWN: usize = 5;
    let mut nearest: Vec<&String> = names.iter().collect();
    nearest.sort_by_key(|name| distance(&name.to_lowercase(), &wanted.to_lowercase()));
    let shown: Vec<String> = nearest.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    let found = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    let choose = flag.map(|flag| format!("; choose with {flag}")).unwrap_or_default();
    Error::file(path, format!("no column `{wanted}`; columns, nearest first: {found}{more}{choose}"))
}

/// How far apart two names are: the cost of a name inside another is what is around it, at a discount.
fn distance(name: &str, wanted: &str) -> usize {
    if name.contains(wanted) { name.len() - wanted.len() } else { 4 * edits(name, wanted) }
}

/// The fewest letters to insert, delete or replace (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(columns: &Columns, names: &[&str]) -> Result<Places, String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        columns.find(&names, Path::new("lib.csv")).map_err(|error| error.to_string())
    }

    #[test]
    fn usual_names_are_found_in_any_case() {
        let any = Columns::default();
        assert_eq!(find(&any, &["ID", "Smiles"]), Ok(Places { id: Some(0), smiles: 1 }));
        assert_eq!(find(&any, &["SMILES", "smiles"]), Ok(Places { id: None, smiles: 1 }));
    }

    #[test]
    fn missing_column_lists_the_nearest() {
        let any = Columns::default();
        assert_eq!(
            find(&any, &["name", "score", "canonical_smiles", "smile", "weight", "x", "y"]).unwrap_err(),
            "lib.csv: no column `smiles`; columns, nearest first: `smile`, `canonical_smiles`, `score`, `name`, \
             `weight` and 2 more; choose with --smiles-column"
        );
        let named = Columns { id: Some("zinc".into()), ..Columns::default() };
        assert_eq!(
            find(&named, &["zinc_id", "smiles"]).unwrap_err(),
            "lib.csv: no column `zinc`; columns, nearest first: `zinc_id`, `smiles`; choose with --id-column"
        );
    }
}
