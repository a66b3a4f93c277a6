use std::collections::BTreeSet;
use std::path::Path;

use hashbrown::{HashMap, HashSet};

use crate::model::{Classes, Classified};
use crate::task::train::Corpus;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// Genes with a class that some cell has.
#[derive(Debug)]
pub(in crate::task::train) struct GeneClasses {
    pub(in crate::task::train) classes: Classes,
    /// Their keys in the vocabulary.
    pub(in crate::task::train) ids: Vec<String>,
    pub(in crate::task::train) tokens: Vec<i32>,
    pub(in crate::task::train) class: Vec<usize>,
    items: HashMap<i32, usize>,
    /// Genes of the table that are in no cell, or not in the vocabulary.
    pub(in crate::task::train) absent: usize,
}

impl GeneClasses {
    /// Reads a table with the columns `gene` (a key or a symbol of the vocabulary) and `class`, with commas or tabs.
    pub(in crate::task::train) fn read(
        path: &Path,
        vocabulary: Option<&Vocabulary>,
        corpus: &Corpus,
        max_length: usize,
    ) -> Result<Self> {
        let vocabulary = vocabulary.ok_or_else(|| {
            Error::Train(
                "classes of genes need the vocabulary that the cells were tokenized with (--vocabulary)".into(),
            )
        })?;
        let rows = rows(path)?;
        let seen: HashSet<i32> =
            corpus.cells.iter().flat_map(|cell| cell.tokens.iter().take(max_length).copied()).collect();
        let names: BTreeSet<String> = rows.iter().map(|(_, class)| class.clone()).collect();
        let names: Vec<String> = names.into_iter().collect();
        if let [one] = names.as_slice() {
            return Err(Error::file(
                path,
                format!("all {} genes have the class `{one}`: there is nothing to learn", rows.len()),
            ));
        }
        let mut genes = Self {
            classes: Classes { classified: Classified::Genes, names },
            ids: Vec::new(),
            tokens: Vec::new(),
            class: Vec::new(),
            items: HashMap::new(),
            absent: 0,
        };
        for (gene, class) in rows {
            let id = vocabulary.find(&gene).or_else(|| vocabulary.find(vocabulary.id_of_symbol(&gene)?));
            let known = id.and_then(|place| vocabulary.genes().get(place as usize)).filter(|g| seen.contains(&g.token));
            let Some(known) = known else {
                genes.absent += 1;
                continue;
            };
            let class = genes.classes.names.binary_search(&class).unwrap_or(0);
            if let Some(&earlier) = genes.items.get(&known.token) {
                if genes.class.get(earlier) != Some(&class) {
                    return Err(Error::file(path, format!("gene `{gene}` has two classes")));
                }
                continue;
            }
            genes.items.insert(known.token, genes.ids.len());
            genes.ids.push(known.id.clone());
            genes.tokens.push(known.token);
            genes.class.push(class);
        }
        if genes.ids.is_empty() {
            return Err(Error::file(path, format!("none of its {} genes is in a cell", genes.absent)));
        }
        Ok(genes)
    }

    /// The gene with this token.
    pub(in crate::task::train) fn item(&self, token: i32) -> Option<usize> {
        self.items.get(&token).copied()
    }

    pub(super) fn identity(&self) -> String {
        let all: Vec<u8> =
            self.tokens.iter().zip(&self.class).flat_map(|(t, c)| format!("{t}:{c};").into_bytes()).collect();
        format!(", {} genes, xxh3 {:016x}", self.ids.len(), xxhash_rust::xxh3::xxh3_64(&all))
    }
}

fn rows(path: &Path) -> Result<Vec<(String, String)>> {
    let wrong = |reason: String| Error::file(path, reason);
    let text = fs_err::read_to_string(path)?;
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains('\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let column = |name: &str| {
        let place = header.iter().position(|found| found.trim() == name);
        place.ok_or_else(|| {
            wrong(format!("has no column `{name}`; found {}", header.iter().collect::<Vec<_>>().join(", ")))
        })
    };
    let (gene, class) = (column("gene")?, column("class")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let value = |place: usize| record.get(place).unwrap_or_default().trim().to_owned();
        if !value(gene).is_empty() && !value(class).is_empty() {
            rows.push((value(gene), value(class)));
        }
    }
    Ok(rows)
}
