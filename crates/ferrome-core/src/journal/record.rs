//! What a finished part says of itself.

use serde::{Deserialize, Serialize};

/// Written into a part's footer, as JSON under `ferrome.part`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PartRecord {
    /// XXH3-128 over the window's names and identities or rejections, in hexadecimal digits.
    pub digest: String,
    /// Nothing followed it in the input.
    pub last: bool,
    /// What was done for it.
    pub statistics: Statistics,
}

/// Counts of what was done for one part, or for several.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Statistics {
    /// Rows.
    pub rows: u64,
    /// Inputs that went through the model, each once.
    pub unique: u64,
    /// Rows that share the computation of an earlier row.
    pub duplicates: u64,
    /// Tokens that went through the model, without padding.
    pub tokens: u64,
    /// Tokens that went through the model, with padding.
    pub padded_tokens: u64,
    /// Rejected rows by kind, in order of appearance.
    pub rejected: Vec<Rejected>,
}

/// Rejected rows of one kind.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rejected {
    /// The kind, as in [`crate::engine::Rejection::kind`].
    pub kind: String,
    /// How many rows.
    pub count: u64,
    /// The name of the first.
    pub first: String,
}

impl Statistics {
    /// Counts `count` rejected rows of a kind; `first` names the first of them.
    pub fn reject(&mut self, kind: &str, count: u64, first: &str) {
        match self.rejected.iter_mut().find(|rejected| rejected.kind == kind) {
            Some(rejected) => rejected.count += count,
            None => self.rejected.push(Rejected { kind: kind.to_owned(), count, first: first.to_owned() }),
        }
    }

    /// Adds the counts of a later part.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.unique += other.unique;
        self.duplicates += other.duplicates;
        self.tokens += other.tokens;
        self.padded_tokens += other.padded_tokens;
        for rejected in &other.rejected {
            self.reject(&rejected.kind, rejected.count, &rejected.first);
        }
    }

    /// Rejected rows of all kinds.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.iter().map(|rejected| rejected.count).sum()
    }
}
