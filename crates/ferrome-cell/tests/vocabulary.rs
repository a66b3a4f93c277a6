//! Vocabularies from files: specimens with their content or message, and the published dictionaries.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests are tests")]

#[path = "vocabulary/published.rs"]
mod published;
#[path = "vocabulary/specimens.rs"]
mod specimens;

use std::path::{Path, PathBuf};

use ferrome_cell::vocabulary::Files;

/// A specimen of `tests/specimens/gene_dictionary`.
fn specimen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/specimens/gene_dictionary").join(name)
}

/// A file of the shared test data, or `None` (said on stderr) where that is not at hand; CI must have it.
fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cells").join(file);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

fn files(tokens: &str, medians: Option<&str>, symbols: Option<&str>) -> Files {
    let path = |name: &str| specimen(name);
    Files { tokens: path(tokens), medians: medians.map(path), symbols: symbols.map(path), former_ids: None }
}
