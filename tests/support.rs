//! What the end-to-end tests share: the real binary in a folder of its own, tables, inputs.

#![allow(dead_code, reason = "each test crate uses its share")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

pub(crate) mod drug_model;
pub(crate) mod geneformer;
pub(crate) mod inputs;
pub(crate) mod killed;
pub(crate) mod place;
pub(crate) mod scgpt;
pub(crate) mod screen;
pub(crate) mod study;
pub(crate) mod table;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A folder of the shared proteins, or `None` (said on stderr) where it is not at hand; CI must have it.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().parent().unwrap().join("shared/data/proteins").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}
