//! What a run did, in one line.

use std::fmt;

use super::assemble::Done;
use crate::batch::padding;
use crate::journal::{Rejected, Statistics};

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Rows in the output, those of earlier runs included.
    pub rows: u64,
    /// Inputs that went through the model, each once.
    pub unique: u64,
    /// Rows that share the computation of an earlier row.
    pub duplicates: u64,
    /// Rejected rows by kind, in order of appearance.
    pub rejected: Vec<Rejected>,
    /// Tokens that went through the model, without padding.
    pub tokens: u64,
    /// Tokens that went through the model, with padding.
    pub padded_tokens: u64,
    /// Rows that an earlier run had finished.
    pub resumed_rows: u64,
    /// Tokens computed by this run.
    pub computed_tokens: u64,
    /// Wall-clock time of this run, in seconds.
    pub seconds: f64,
    /// An earlier run had finished all of it; nothing was computed.
    pub already_complete: bool,
}

impl Summary {
    pub(super) fn new(done: Done, seconds: f64) -> Self {
        let Statistics { rows, unique, duplicates, tokens, padded_tokens, rejected } = done.statistics;
        Self {
            rows,
            unique,
            duplicates,
            rejected,
            tokens,
            padded_tokens,
            resumed_rows: done.resumed_rows,
            computed_tokens: done.computed_tokens,
            seconds,
            already_complete: done.merged,
        }
    }

    /// Of what earlier runs did.
    pub(crate) fn of_parts(statistics: &Statistics) -> Self {
        let done =
            Done { resumed_rows: statistics.rows, statistics: statistics.clone(), merged: true, ..Done::default() };
        Self::new(done, 0.0)
    }

    /// Tokens that this run computed in a second.
    #[must_use]
    pub fn tokens_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.computed_tokens as f64 / self.seconds } else { 0.0 }
    }

    /// The share of what the devices computed that is padding, from 0 to 1.
    #[must_use]
    pub fn padding(&self) -> f64 {
        padding(self.tokens, self.padded_tokens)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows: {} computed", self.rows, self.unique)?;
        if self.duplicates > 0 {
            write!(f, ", {} identical to others", self.duplicates)?;
        }
        for rejected in &self.rejected {
            write!(f, ", {} rejected ({}, first `{}`)", rejected.count, rejected.kind, rejected.first)?;
        }
        if self.already_complete {
            return write!(f, "; already complete, nothing to do");
        }
        if self.resumed_rows > 0 {
            write!(f, "; {} rows were done before", self.resumed_rows)?;
        }
        write!(f, "; {} tokens in {:.1} s", self.computed_tokens, self.seconds)?;
        write!(f, ", {:.0} tokens/s", self.tokens_per_second())?;
        // Only models pad.
        if self.padded_tokens > 0 { write!(f, ", {:.1} % padding", self.padding() * 100.0) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(kind: &str, count: u64, first: &str) -> Rejected {
        Rejected { kind: kind.to_owned(), count, first: first.to_owned() }
    }

    #[test]
    fn summary_of_a_plain_run() {
        let summary = Summary {
            rows: 10,
            unique: 10,
            tokens: 980,
            padded_tokens: 1000,
            computed_tokens: 980,
            seconds: 2.0,
            ..Summary::default()
        };
        assert_eq!(summary.to_string(), "10 rows: 10 computed; 980 tokens in 2.0 s, 490 tokens/s, 2.0 % padding");
    }

    #[test]
    fn summary_of_a_resumed_run_with_rejected_rows() {
        let summary = Summary {
            rows: 10,
            unique: 5,
            duplicates: 2,
            rejected: vec![rejected("no sequence", 2, "a"), rejected("out of memory", 1, "b")],
            resumed_rows: 4,
            seconds: 1.0,
            ..Summary::default()
        };
        assert_eq!(
            summary.to_string(),
            "10 rows: 5 computed, 2 identical to others, 2 rejected (no sequence, first `a`), 1 rejected (out of memory, \
             first `b`); 4 rows were done before; 0 tokens in 1.0 s, 0 tokens/s"
        );
    }

    #[test]
    fn summary_of_a_complete_run() {
        let summary = Summary { rows: 3, unique: 3, already_complete: true, ..Summary::default() };
        assert_eq!(summary.to_string(), "3 rows: 3 computed; already complete, nothing to do");
    }
}
