//! The genes that a model knows, with their tokens: one JSON format for the published vocabularies and for new ones.
//!
//! ```json
//! { "format": "ferrome vocabulary 1", "style": "geneformer-v1",
//!   "special_tokens": ["<pad>", "<mask>"],
//!   "tokens": {"<pad>": 0, "<mask>": 1, "ENSG00000000003": 2},
//!   "medians": {"ENSG00000000003": 2.0019},
//!   "symbols": {"TSPAN6": "ENSG00000000003"},
//!   "former_ids": {"ENSG00000000000": "ENSG00000000003"},
//!   "sources": [] }
//! ```

pub mod build;
mod check;
pub mod dictionary;
mod digest;
mod file;
mod import;
mod pairs;
mod published;
mod source;

use ferrome_core::fingerprint::Fingerprint;
use hashbrown::{HashMap, HashSet};

use crate::Result;
use crate::tokenize::Style;

pub use digest::{Digest, Median};
pub use import::{Files, import};
pub use source::Source;

/// A gene that has a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Gene {
    /// Its key: an Ensembl id for Geneformer, a symbol for scGPT.
    pub id: String,
    /// Its token.
    pub token: i32,
    /// The median of its non-zero normalised expression over a corpus, which Geneformer divides by; positive.
    pub median: Option<f64>,
}

/// The genes that a model knows.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    style: Style,
    specials: Vec<(String, i32)>,
    genes: Vec<Gene>,
    symbols: Vec<(String, String)>,
    former_ids: Vec<(String, String)>,
    sources: Vec<Source>,
    index: Index,
}

/// Where each name is.
#[derive(Clone, Debug, Default)]
struct Index {
    genes: HashMap<String, u32>,
    symbols: HashMap<String, u32>,
    former_ids: HashMap<String, u32>,
    /// Ids that a symbol leads to.
    with_symbol: HashSet<String>,
}

/// What a vocabulary is made from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Whose vocabulary it is.
    pub style: Style,
    /// Tokens that are no gene, such as `<pad>`.
    pub specials: Vec<(String, i32)>,
    /// The genes, in any order.
    pub genes: Vec<Gene>,
    /// Symbol to id; ids need not be in the vocabulary.
    pub symbols: Vec<(String, String)>,
    /// Former ids and other names to the current id.
    pub former_ids: Vec<(String, String)>,
    /// What it was made from.
    pub sources: Vec<Source>,
}

impl Vocabulary {
    /// A vocabulary in the order of its tokens.
    ///
    /// # Errors
    ///
    /// What contradicts itself: a name or token given twice, a negative token, a median that is not positive, no gene at
    /// all.
    pub fn new(parts: Parts) -> Result<Self> {
        let Parts { style, mut specials, mut genes, symbols, former_ids, sources } = parts;
        specials.sort_by_key(|&(_, token)| token);
        genes.sort_by_key(|gene| gene.token);
        check::genes(&specials, &genes)?;
        let position = |(index, (name, _)): (usize, &(String, String))| (name.clone(), index as u32);
        let index = Index {
            genes: genes.iter().enumerate().map(|(index, gene)| (gene.id.clone(), index as u32)).collect(),
            symbols: symbols.iter().enumerate().map(position).collect(),
            former_ids: former_ids.iter().enumerate().map(position).collect(),
            with_symbol: symbols.iter().map(|(_, id)| id.clone()).collect(),
        };
        Ok(Self { style, specials, genes, symbols, former_ids, sources, index })
    }

    /// Whose vocabulary it is.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// The genes, in the order of their tokens.
    #[must_use]
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// Tokens that are no gene, in order.
    #[must_use]
    pub fn specials(&self) -> &[(String, i32)] {
        &self.specials
    }

    /// The token of a special token such as `<cls>`.
    #[must_use]
    pub fn special(&self, name: &str) -> Option<i32> {
        self.specials.iter().find(|(special, _)| special == name).map(|&(_, token)| token)
    }

    /// The position in [`Self::genes`] of the gene with this key.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        self.index.genes.get(id).copied()
    }

    /// The id of the gene with this symbol; it need not be in the vocabulary.
    #[must_use]
    pub fn id_of_symbol(&self, symbol: &str) -> Option<&str> {
        Some(&self.symbols.get(*self.index.symbols.get(symbol)? as usize)?.1)
    }

    /// Symbols, each with the id that it stands for, which need not be in the vocabulary.
    #[must_use]
    pub fn symbols(&self) -> &[(String, String)] {
        &self.symbols
    }

    /// The current id of a gene by a former id or another name; it need not be in the vocabulary.
    #[must_use]
    pub fn current(&self, name: &str) -> Option<&str> {
        Some(&self.former_ids.get(*self.index.former_ids.get(name)? as usize)?.1)
    }

    /// Whether some symbol leads to this id.
    #[must_use]
    pub fn has_symbol_for(&self, id: &str) -> bool {
        self.index.with_symbol.contains(id)
    }

    /// What it was made from.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// XXH3-128 over everything that decides tokens: style, tokens, medians and the tables of names.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut all = Fingerprint::new().field(self.style.name().as_bytes());
        for (name, token) in &self.specials {
            all = all.field(name.as_bytes()).field(&token.to_le_bytes());
        }
        for Gene { id, token, median } in &self.genes {
            let median = median.map_or(0, f64::to_bits);
            all = all.field(id.as_bytes()).field(&token.to_le_bytes()).field(&median.to_le_bytes());
        }
        for (from, to) in self.symbols.iter().chain(&self.former_ids) {
            all = all.field(from.as_bytes()).field(to.as_bytes());
        }
        all.field(&(self.symbols.len() as u64).to_le_bytes()).finish()
    }

    /// XXH3-128 over which name has which token, and nothing else: what an scGPT, which needs no medians, has to agree with.
    #[must_use]
    pub fn tokens_fingerprint(&self) -> u128 {
        let genes = self.genes.iter().map(|gene| (&gene.id, gene.token));
        let mut all: Vec<(i32, &String)> = self
            .specials
            .iter()
            .map(|(name, token)| (name, *token))
            .chain(genes)
            .map(|(name, token)| (token, name))
            .collect();
        all.sort_unstable();
        let add =
            |all: Fingerprint, (token, name): (i32, &String)| all.field(name.as_bytes()).field(&token.to_le_bytes());
        all.into_iter().fold(Fingerprint::new(), add).finish()
    }
}

#[cfg(test)]
mod tests;
