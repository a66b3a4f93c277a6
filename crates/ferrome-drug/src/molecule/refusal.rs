use std::fmt;

/// What kind of thing is wrong with a molecule; groups the summary of a run.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RefusalKind {
    /// There is no atom.
    Empty,
    /// The text is not SMILES.
    Syntax,
    /// An atom has more bonds than its element allows.
    Valence,
    /// Aromatic atoms to which no alternating double bonds can be assigned.
    Aromaticity,
    /// More atoms or rings than are handled in bounded time.
    Size,
    /// Something that RDKit reads, and that is no plain molecule: a query bond, for instance.
    Unsupported,
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty molecule",
            Self::Syntax => "not SMILES",
            Self::Valence => "impossible valence",
            Self::Aromaticity => "impossible aromatic system",
            Self::Size => "too large",
            Self::Unsupported => "not supported",
        })
    }
}

/// Why a molecule is refused: one line, for the column `error`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The kind, for summaries.
    pub kind: RefusalKind,
    /// The full sentence; positions and atoms count from 1.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    /// A syntax error at the 0-based byte `at`.
    pub(crate) fn syntax(at: usize, what: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Syntax, format!("position {}: {what}", at + 1))
    }
}
