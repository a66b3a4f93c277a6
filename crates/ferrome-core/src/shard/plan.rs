//! What all shards of a plan have in common, in `plan.json`.

use std::path::Path;

use super::{Shard, files};
use crate::journal::{RunDescription, publish, write_synced};
use crate::table::failed;
use crate::{Error, Result};

pub(super) const SHARDS: &str = "shards";
pub(super) const ROWS: &str = "rows";

/// A plan: the description of the whole run, and how it is cut.
pub(super) fn whole(common: &RunDescription, shards: u32, rows: u64) -> RunDescription {
    common.clone().with(ROWS, rows).with(SHARDS, shards)
}

/// Writes the plan where there is none, and refuses another one that is there.
pub(super) fn join(folder: &Path, shard: Shard, plan: &RunDescription) -> Result<()> {
    let path = files::plan(folder);
    if !path.try_exists()? {
        fs_err::create_dir_all(files::plan_folder(folder))?;
        write_first(&path, shard, plan)?;
    }
    let earlier = read(folder)?;
    let differences = earlier.differences(plan);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::PlanDiffers { path: folder.to_owned(), differences })
}

/// Gives the plan its name, unless another process was faster: a link, unlike a rename, replaces nothing.
fn write_first(path: &Path, shard: Shard, plan: &RunDescription) -> Result<()> {
    let unfinished = path.with_file_name(format!(".plan-{}-{}.tmp", shard.name(), std::process::id()));
    let json = serde_json::to_vec_pretty(plan).map_err(|error| failed(path, error))?;
    write_synced(&unfinished, json)?;
    match std::fs::hard_link(&unfinished, path) {
        Err(_) if !path.try_exists()? => publish(&unfinished, path),
        _ => files::remove(&unfinished),
    }
}

/// The plan in a folder.
pub(super) fn read(folder: &Path) -> Result<RunDescription> {
    let path = files::plan(folder);
    if !path.try_exists()? {
        return Err(Error::NoPlan { path: folder.to_owned() });
    }
    let unreadable =
        |error| Error::PlanUnreadable { path: path.clone(), reason: format!("is no plan of ferrome ({error})") };
    serde_json::from_slice(&fs_err::read(&path)?).map_err(unreadable)
}
