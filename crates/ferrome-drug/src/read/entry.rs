use ferrome_core::fingerprint::Fingerprint;

use super::molblock;
use crate::molecule::{MolSource, Molecule, Refusal, RefusalKind};

/// A row of a library.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The id as given; the number of the row where there is none.
    pub id: String,
    /// The molecule as given.
    pub source: Source,
}

/// A molecule as a file has it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Source {
    /// SMILES.
    Smiles(String),
    /// The lines of a mol block, from the title to `M  END`.
    MolBlock(String),
    /// The row has no molecule that could be read; the reason.
    Missing(String),
}

impl Entry {
    /// The molecule.
    ///
    /// # Errors
    ///
    /// The row has none, or it is refused.
    pub fn molecule(&self) -> Result<Molecule, Refusal> {
        match &self.source {
            Source::Smiles(smiles) => Molecule::parse(smiles),
            Source::MolBlock(block) => molblock::read(block),
            Source::Missing(reason) => Err(Refusal::new(RefusalKind::Syntax, reason.as_str())),
        }
    }

    /// Adds the id and the molecule as given: equal fingerprints, equal rows.
    pub(crate) fn add_to(&self, fingerprint: &mut Fingerprint) {
        fingerprint.push(self.id.as_bytes());
        let (kind, text) = match &self.source {
            Source::Smiles(text) => (b"s", text),
            Source::MolBlock(text) => (b"m", text),
            Source::Missing(text) => (b"x", text),
        };
        fingerprint.push(kind);
        fingerprint.push(text.as_bytes());
    }

    /// The text of the molecule; empty where the row has none.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.source {
            Source::Smiles(text) | Source::MolBlock(text) => text,
            Source::Missing(_) => "",
        }
    }
}
