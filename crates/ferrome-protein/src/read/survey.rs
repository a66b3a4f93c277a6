use std::{num::NonZeroUsize, path::Path, thread};

use super::open;
use crate::Result;

/// What a file holds, counted by one pass over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The records.
    pub records: u64,
    /// The letters of all sequences, as they are read.
    pub residues: u64,
    /// The size of the file on the disk.
    pub bytes: u64,
    /// The records that look like nucleotides, for a hint at `--translate`.
    pub nucleotides: u64,
}

/// Reads a whole file to count what is in it, and to find what is wrong with it before any work is done.
///
/// `None` for what can be read only once: standard input (`-`) and pipes.
///
/// # Errors
///
/// Those of [`open`] and of every record.
///
/// ```
/// use ferrome_protein::read::{Survey, survey};
///
/// let file = std::env::temp_dir().join("ferrome-survey.fasta");
/// std::fs::write(&file, b">a\nMK TA*\n>b\nmky\n>c\n")?;
/// assert_eq!(survey(&file)?, Some(Survey { records: 3, residues: 7, bytes: 20, nucleotides: 0 }));
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn survey(path: &Path) -> Result<Option<Survey>> {
    let metadata = fs_err::metadata(path).ok();
    if path == Path::new("-") || metadata.as_ref().is_some_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(None);
    }
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut survey = Survey { bytes: metadata.map_or(0, |found| found.len()), ..Survey::default() };
    for record in open(path, threads)? {
        let record = record?;
        survey.records += 1;
        survey.residues += record.sequence.len() as u64;
        survey.nucleotides += u64::from(record.looks_like_nucleotides());
    }
    Ok(Some(survey))
}
