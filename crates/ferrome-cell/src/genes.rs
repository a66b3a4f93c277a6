//! Which gene of a vocabulary each column of a matrix is.
//!
//! Names are compared as they are written, with their case; only the version of an Ensembl id is left out. Nothing
//! disappears in silence: a [`Matching`] counts what it did not know, and refuses a matrix that hardly matches.
//!
//! ```
//! use ferrome_cell::genes::unversioned;
//!
//! assert_eq!(unversioned("ENSG00000141510.17").as_deref(), Some("ENSG00000141510"));
//! assert_eq!(unversioned("ENSMUSG00000059552").as_deref(), Some("ENSMUSG00000059552"));
//! assert_eq!(unversioned("ENSA"), None); // a symbol: endosulfine alpha
//! assert_eq!(unversioned("RP11-34P13.7"), None);
//! ```

mod columns;
mod ensembl;
mod lookup;
mod map;
mod matching;
mod report;

use std::fmt;
use std::str::FromStr;

pub(crate) use columns::name_columns;
pub use columns::text;
pub use ensembl::unversioned;
pub use map::GeneMap;
pub use matching::{Matching, Options};
pub use report::Statistics;

/// The gene that one name stands for, as an index into [`crate::vocabulary::Vocabulary::genes`]: by its id with or without version, by a
/// former id, or by its symbol.
#[must_use]
pub fn find(vocabulary: &crate::vocabulary::Vocabulary, name: &str) -> Option<u32> {
    lookup::Lookup::new(vocabulary, NameKind::Auto, None).find(name).map(|(gene, _)| gene)
}

/// What the names of genes are taken for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum NameKind {
    /// Each name for what it looks like.
    #[default]
    Auto,
    /// Ensembl ids; other names are unknown.
    Ensembl,
    /// Symbols; Ensembl ids are unknown.
    Symbol,
}

impl NameKind {
    /// Whether names such as `name` are taken.
    #[must_use]
    pub fn takes(self, name: &str) -> bool {
        match self {
            Self::Auto => true,
            Self::Ensembl => unversioned(name).is_some(),
            Self::Symbol => unversioned(name).is_none(),
        }
    }
}

impl FromStr for NameKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "ensembl" => Ok(Self::Ensembl),
            "symbol" => Ok(Self::Symbol),
            _ => Err(format!("unknown kind of gene names `{text}`: expected auto, ensembl or symbol")),
        }
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Ensembl => "ensembl",
            Self::Symbol => "symbol",
        })
    }
}

#[cfg(test)]
mod tests;
