//! Vocabularies on disk.

use std::path::Path;

use ferrome_core::journal::write_whole;
use serde::{Deserialize, Serialize};

use super::dictionary::{self, quote};
use super::pairs::Pairs;
use super::{Gene, Parts, Source, Vocabulary};
use crate::tokenize::Style;
use crate::{Error, Result};

/// What a file of this format says first.
const FORMAT: &str = "ferrome vocabulary 1";

/// The file, key for key.
#[derive(Deserialize, Serialize)]
struct Document {
    format: String,
    style: Style,
    special_tokens: Vec<String>,
    tokens: Pairs<i32>,
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    medians: Pairs<f64>,
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    symbols: Pairs<String>,
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    former_ids: Pairs<String>,
    #[serde(default)]
    sources: Vec<Source>,
}

impl Vocabulary {
    /// Reads a vocabulary that `ferrome cell vocabulary` wrote.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is something else, or contradicts itself; what is taken for it by mistake (a pickle,
    /// scGPT's `vocab.json`) is named with what turns it into a vocabulary.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = dictionary::bytes(path)?;
        if bytes.first() != Some(&b'{') {
            return Err(Error::file(
                path,
                format!("is no vocabulary of ferrome, it starts with {}; {IMPORT}", quote(&bytes)),
            ));
        }
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
            let hint =
                if error.to_string().starts_with("missing field") { format!("; {IMPORT}") } else { String::new() };
            Error::file(path, format!("is no vocabulary of ferrome: {error}{hint}"))
        })?;
        if document.format != FORMAT {
            let found = document.format.escape_default();
            return Err(Error::file(path, format!("is of the format `{found}`, expected `{FORMAT}`")));
        }
        document.vocabulary().map_err(|error| match error {
            Error::Vocabulary(reason) => Error::file(path, reason),
            other => other,
        })
    }

    /// Writes the vocabulary as JSON, whole or not at all; numbers are read back bit for bit.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(&Document::of(self)).map_err(std::io::Error::from)?;
        json.push(b'\n');
        Ok(write_whole(path, json)?)
    }
}

const IMPORT: &str = "`ferrome cell vocabulary import` makes one from published dictionaries";

impl Document {
    fn of(vocabulary: &Vocabulary) -> Self {
        let Vocabulary { style, specials, genes, symbols, former_ids, sources, .. } = vocabulary;
        let tokens = specials.iter().cloned().chain(genes.iter().map(|gene| (gene.id.clone(), gene.token)));
        let mut tokens: Vec<(String, i32)> = tokens.collect();
        tokens.sort_by_key(|&(_, token)| token);
        let medians = genes.iter().filter_map(|gene| Some((gene.id.clone(), gene.median?)));
        Self {
            format: FORMAT.to_owned(),
            style: *style,
            special_tokens: specials.iter().map(|(name, _)| name.clone()).collect(),
            tokens: Pairs(tokens),
            medians: Pairs(medians.collect()),
            symbols: Pairs(symbols.clone()),
            former_ids: Pairs(former_ids.clone()),
            sources: sources.clone(),
        }
    }

    fn vocabulary(self) -> Result<Vocabulary> {
        let Self { style, special_tokens, tokens, medians, symbols, former_ids, sources, .. } = self;
        let mut medians: hashbrown::HashMap<String, f64> = medians.0.into_iter().collect();
        let (specials, genes): (Vec<_>, Vec<_>) =
            tokens.0.into_iter().partition(|(name, _)| special_tokens.contains(name));
        let gene = |(id, token): (String, i32)| {
            let median = medians.remove(&id);
            Gene { id, token, median }
        };
        let genes = genes.into_iter().map(gene).collect();
        if let Some(id) = medians.keys().min() {
            return Err(Error::Vocabulary(format!("`{id}` has a median, but no token")));
        }
        let (symbols, former_ids) = (symbols.0, former_ids.0);
        Vocabulary::new(Parts { style, specials, genes, symbols, former_ids, sources })
    }
}
