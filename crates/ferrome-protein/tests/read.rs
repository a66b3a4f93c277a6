//! Reading proteins: specimens with their counts and messages, real proteomes, and translation against real proteins.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

#[path = "read/real.rs"]
mod real;
#[path = "read/specimens.rs"]
mod specimens;
#[path = "read/translation.rs"]
mod translation;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use ferrome_protein::{
    Result,
    read::{Protein, open},
};

fn threads() -> NonZeroUsize {
    NonZeroUsize::new(2).unwrap()
}

fn records(path: &Path) -> Result<Vec<Protein>> {
    open(path, threads())?.collect()
}

/// What a record says, without where it stands.
fn contents(proteins: &[Protein]) -> Vec<(&str, &str, &[u8])> {
    proteins.iter().map(|p| (p.id.as_str(), p.description.as_str(), p.sequence.as_slice())).collect()
}

/// A folder of the shared test data, or `None` (said on stderr) where that is not at hand; CI must have it.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/proteins").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}
