//! What `weights/manifest.json` says of the models that ship.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entry::{Entry, KnownFile, Room, main_branch};

pub(super) fn entries(manifest: &str) -> Vec<Entry> {
    #[derive(Deserialize)]
    struct Shipped {
        licence: String,
        #[serde(default)]
        family: String,
        room: Option<Room>,
        #[serde(default, rename = "use")]
        purpose: String,
        files: BTreeMap<String, KnownFile>,
    }
    let models: BTreeMap<String, Shipped> = serde_json::from_str(manifest).unwrap_or_default();
    let entry = |(name, model): (String, Shipped)| Entry {
        name,
        family: model.family,
        room: model.room,
        repository: None,
        revision: main_branch(),
        folder: String::new(),
        by_hand: None,
        files: vec!["config.json".to_owned()],
        weights: model.files.keys().filter(|file| file.ends_with("model.safetensors")).cloned().collect(),
        optional: Vec::new(),
        about_bytes: model.files.values().map(|file| file.bytes).sum(),
        known: model.files,
        licence: model.licence,
        purpose: model.purpose,
    };
    models.into_iter().map(entry).collect()
}
