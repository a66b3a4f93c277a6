//! Proteins from nucleotides: a record is one coding sequence, or its open reading frames are looked for.
//!
//! The genetic codes are NCBI's, with their start codons. An ambiguous codon is translated when all that it can stand for
//! agree (`TTR` is L, `TAR` is a stop); otherwise it is `X`. `U` is read as `T`, `X` as `N`.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use ferrome_protein::read::{Fasta, translate::Translation};
//!
//! let bytes = b">bmyD\nGTGAAYTTYTAA\n>cut\nATGA\n>not-dna\nMKTE\n";
//! let records = Fasta::from_reader(&bytes[..], "genes.fna", NonZeroUsize::MIN)?;
//! let proteins: Vec<_> = Translation::cds(11)?.apply(records).collect::<Result<_, _>>()?;
//! assert_eq!(proteins[0].sequence, b"MNF");
//! assert_eq!(
//!     proteins[1].problem.as_deref(),
//!     Some("expected a coding sequence whose length is a multiple of 3, found 4 nucleotides"),
//! );
//! assert_eq!(proteins[2].problem.as_deref(), Some("expected nucleotides, found `E` at position 4"));
//! # let _ = Translation::orfs(1, 2)?;
//! # Ok::<(), ferrome_protein::Error>(())
//! ```

mod cds;
mod codons;
mod genetic_code;
mod ncbi;
mod orfs;

use codons::Codons;
pub use genetic_code::GeneticCode;

use super::Protein;
use crate::Result;

/// The shortest open reading frame that is reported when nothing else is asked for, in residues.
pub const MIN_ORF: usize = 30;

/// What a nucleotide record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One coding sequence in frame, from its first codon to its last.
    Cds,
    /// Any sequence; its open reading frames, in all six frames, become proteins.
    Orfs {
        /// The fewest residues of a frame that is kept.
        min_length: usize,
        /// Whether a frame starts at any start codon of the table, or at `ATG` only (which is what most tools do).
        alternative_starts: bool,
    },
}

/// Turns nucleotide records into proteins.
#[derive(Clone, Debug)]
pub struct Translation {
    codons: Codons,
    mode: Mode,
}

impl Translation {
    /// Translation of `mode` by the NCBI genetic code `table`.
    ///
    /// # Errors
    ///
    /// NCBI has no table of that number.
    pub fn new(table: u8, mode: Mode) -> Result<Self> {
        Ok(Self { codons: Codons::new(GeneticCode::by_id(table)?), mode })
    }

    /// Every record is a coding sequence. See [`Translation::new`].
    ///
    /// # Errors
    ///
    /// NCBI has no table of that number.
    pub fn cds(table: u8) -> Result<Self> {
        Self::new(table, Mode::Cds)
    }

    /// Open reading frames from `ATG`, of `min_length` residues or more. See [`Translation::new`].
    ///
    /// # Errors
    ///
    /// NCBI has no table of that number.
    pub fn orfs(table: u8, min_length: usize) -> Result<Self> {
        Self::new(table, Mode::Orfs { min_length, alternative_starts: false })
    }

    /// The proteins of one record, at least one: a record that cannot be translated stays, without a sequence and with
    /// its `problem`.
    pub fn translate(&self, record: Protein) -> Vec<Protein> {
        if record.problem.is_some() || record.sequence.is_empty() {
            return vec![record];
        }
        let result = match self.mode {
            Mode::Cds => cds::translate(&self.codons, &record.sequence)
                .map(|sequence| vec![Protein { sequence, ..record.clone_without_sequence() }]),
            Mode::Orfs { min_length, alternative_starts } => {
                orfs::find(&self.codons, &record, min_length, alternative_starts)
            }
        };
        result.unwrap_or_else(|problem| vec![Protein { problem: Some(problem), ..record.clone_without_sequence() }])
    }

    /// The proteins of all records, in order.
    pub fn apply<I>(self, records: I) -> impl Iterator<Item = Result<Protein>>
    where
        I: Iterator<Item = Result<Protein>>,
    {
        records.flat_map(move |record| match record {
            Ok(record) => self.translate(record).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}

impl Protein {
    fn clone_without_sequence(&self) -> Self {
        Self {
            id: self.id.clone(),
            description: self.description.clone(),
            sequence: Vec::new(),
            source: self.source.clone(),
            line: self.line,
            problem: None,
        }
    }
}
