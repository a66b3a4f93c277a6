//! What is embedded: FASTA files, or proteins that the calling program has.

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::{Result, anyhow};
use ferrome_core::{
    engine::{BoxError, Totals},
    fingerprint::{self, Fingerprint},
    journal::RunDescription,
};
use ferrome_protein::{
    read::{self, Protein, Survey, translate::Translation},
    tokenize,
};

use super::Args;
use crate::{options::describe_input, protein::one_file, tell};

/// The proteins of a run.
#[derive(Clone)]
pub(super) struct Input {
    source: Source,
    translation: Option<Translation>,
}

#[derive(Clone)]
enum Source {
    Files(Vec<PathBuf>, Vec<Option<Survey>>, NonZeroUsize),
    Memory(Vec<Protein>),
}

impl Input {
    /// Reads the files once, to find what is wrong with them before any work is done.
    pub(super) fn new(args: &Args, given: Option<Vec<Protein>>, threads: NonZeroUsize) -> Result<Self> {
        let translation = args.translation()?;
        let source = match given {
            Some(proteins) => Source::Memory(proteins),
            None => {
                let surveys = args.inputs.iter().map(|path| read::survey(path)).collect::<Result<Vec<_>, _>>()?;
                Source::Files(args.inputs.clone(), surveys, threads)
            }
        };
        let input = Self { source, translation };
        input.warn_of_nucleotides();
        Ok(input)
    }

    /// The size, where it is known; every protein is framed by two tokens, and nucleotides give a third of their number.
    pub(super) fn totals(&self, orfs: bool) -> Option<Totals> {
        let rows = match &self.source {
            _ if orfs => return None,
            Source::Files(_, surveys, _) => {
                surveys.iter().map(|survey| Some(survey.as_ref()?.records)).sum::<Option<_>>()?
            }
            Source::Memory(proteins) => proteins.len() as u64,
        };
        Some(Totals { rows, tokens: Some(self.residues() + 2 * rows) })
    }

    /// The letters of all sequences, as far as they are known.
    pub(super) fn residues(&self) -> u64 {
        match &self.source {
            Source::Files(_, surveys, _) => surveys.iter().flatten().map(|survey| survey.residues).sum(),
            Source::Memory(proteins) => proteins.iter().map(|protein| tokenize::length(&protein.sequence) as u64).sum(),
        }
    }

    /// The number of proteins, found by going through all of them: open reading frames are found only by translating.
    pub(super) fn count(&self) -> Result<u64> {
        let mut rows = self.clone().records();
        let count = rows.try_fold(0, |count, row| row.map(|_| count + 1));
        count.map_err(|error: BoxError| anyhow!(error))
    }

    /// Adds what the journal keeps of the input.
    pub(super) fn describe(&self, description: &mut RunDescription) -> Result<()> {
        match &self.source {
            Source::Files(paths, ..) => {
                for (i, path) in paths.iter().enumerate() {
                    describe_input(description, &format!("input.{i}"), path)?;
                }
            }
            Source::Memory(proteins) => {
                let fields = proteins.iter().flat_map(|protein| [protein.id.as_bytes(), &protein.sequence]);
                let hash = fields.fold(Fingerprint::new(), Fingerprint::field).finish();
                description.set("input", format!("{} sequences, xxh3 {}", proteins.len(), fingerprint::hex(hash)));
            }
        }
        Ok(())
    }

    /// The proteins, in order.
    pub(super) fn records(self) -> impl Iterator<Item = Result<Protein, BoxError>> + Send {
        let proteins: Box<dyn Iterator<Item = ferrome_protein::Result<Protein>> + Send> = match self.source {
            Source::Files(paths, _, threads) => {
                Box::new(paths.into_iter().flat_map(move |path| one_file(&path, threads)))
            }
            Source::Memory(proteins) => Box::new(proteins.into_iter().map(Ok)),
        };
        let translated: Box<dyn Iterator<Item = _> + Send> = match self.translation {
            Some(translation) => Box::new(translation.apply(proteins)),
            None => proteins,
        };
        translated.map(|protein| protein.map_err(BoxError::from))
    }

    // A protein model takes nucleotides for alanine, cysteine, glycine and threonine: say so before hours of work.
    fn warn_of_nucleotides(&self) {
        if self.translation.is_some() {
            return;
        }
        let warn = |name: &dyn std::fmt::Display, nucleotides: u64, records: u64| {
            if nucleotides * 2 > records {
                tell::warn(&format!(
                    "{name}: {nucleotides} of {records} records look like nucleotides; --translate TABLE translates them"
                ));
            }
        };
        match &self.source {
            Source::Files(paths, surveys, _) => {
                for (path, survey) in paths.iter().zip(surveys) {
                    if let Some(survey) = survey {
                        warn(&path.display(), survey.nucleotides, survey.records);
                    }
                }
            }
            Source::Memory(proteins) => {
                let nucleotides = proteins.iter().filter(|protein| protein.looks_like_nucleotides()).count();
                warn(&"sequences", nucleotides as u64, proteins.len() as u64);
            }
        }
    }
}
