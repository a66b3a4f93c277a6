//! Folders that `datasets.load_from_disk` opens.
//!
//! The parts are the shards: Arrow IPC streams, uncompressed, because `datasets` maps them into memory. Neither features nor
//! the schema key `huggingface` is written: versions before 4 cannot read what later ones write there, and all of them
//! take the features from the Arrow schema.
//!
//! Source: `datasets/arrow_dataset.py`, `save_to_disk` and `load_from_disk`.

use std::path::PathBuf;

use serde_json::json;

use crate::Result;
use crate::fingerprint::{Fingerprint, hex};
use crate::journal::{Statistics, Workplace, publish, write_whole};

/// What stands beside the shards; the folder is complete when the last one is there.
pub(super) const FILES: [&str; 2] = ["dataset_info.json", "state.json"];

/// Names the parts of `place` as shards, and writes the files that make them a dataset; `done` is what they hold.
pub(super) fn assemble(place: &Workplace, done: &Statistics) -> Result<()> {
    place.write_journal(Some(done.clone()))?;
    let parts = place.finished_parts()?;
    let mut fingerprint = Fingerprint::new();
    for (key, value) in place.description.entries() {
        fingerprint.push(key.as_bytes());
        fingerprint.push(value.as_bytes());
    }
    let mut shards = Vec::new();
    for &part in &parts {
        if let Some(record) = place.finished(part)? {
            fingerprint.push(record.digest.as_bytes());
        }
        let name = format!("data-{part:05}-of-{:05}.arrow", parts.len());
        name_shard(&place.part(part), &place.output.path().join(&name))?;
        shards.push(json!({ "filename": name }));
    }
    let state = json!({
        "_data_files": shards,
        "_fingerprint": hex(fingerprint.finish()).get(..16),
        "_format_columns": null,
        "_format_kwargs": {},
        "_format_type": null,
        "_output_all_columns": false,
        "_split": null,
    });
    let about: String = place.description.entries().map(|(key, value)| format!("{key}: {value}\n")).collect();
    let info = json!({ "citation": "", "description": about, "homepage": "", "license": "" });
    for (name, content) in FILES.into_iter().zip([info, state]) {
        write_whole(&place.output.path().join(name), format!("{content:#}\n").as_bytes())?;
    }
    Ok(())
}

/// Gives a part its second name. It keeps the first until the run is closed, so that a kill in between costs nothing;
/// where a file can have only one name, it is renamed.
fn name_shard(part: &PathBuf, shard: &PathBuf) -> Result<()> {
    if shard.exists() {
        fs_err::remove_file(shard)?;
    }
    match std::fs::hard_link(part, shard) {
        Ok(()) => Ok(()),
        Err(_) => publish(part, shard),
    }
}
