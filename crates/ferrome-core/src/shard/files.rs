//! Where the files of a plan lie.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Shard;
use crate::{Error, Result};

const PLAN: &str = "_plan";

/// The folder of what is known of the plan; tools that open `OUT` as one table pass over names that begin with `_`.
pub(super) fn plan_folder(folder: &Path) -> PathBuf {
    folder.join(PLAN)
}

/// What all shards have in common.
pub(super) fn plan(folder: &Path) -> PathBuf {
    plan_folder(folder).join("plan.json")
}

/// What a finished shard says of itself.
pub(super) fn manifest(folder: &Path, shard: Shard) -> PathBuf {
    plan_folder(folder).join(format!("{}.json", shard.name()))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Refuses a folder that holds anything that no shard wrote.
pub(super) fn refuse_foreign(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != PLAN && !name.starts_with('.') && !is_part(&name) {
            return Err(Error::OutputForeign { path: folder.to_owned(), file: name });
        }
    }
    Ok(())
}

/// Whether it is a part of some plan, or the work folder of one.
fn is_part(name: &str) -> bool {
    let stem = name.strip_suffix(".run").unwrap_or(name).strip_suffix(".parquet");
    let numbers = stem.and_then(|stem| stem.strip_prefix("part-")).and_then(|rest| rest.split_once("-of-"));
    numbers.is_some_and(|(index, of)| [index, of].iter().all(|n| n.len() >= 5 && n.bytes().all(|b| b.is_ascii_digit())))
}
