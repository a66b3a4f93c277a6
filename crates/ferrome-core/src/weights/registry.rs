//! The models that Ferrome knows by name: where each is published, of which files, under which licence, what it is for.
//!
//! The facts are data: `registry.json` for published models, `weights/manifest.json` for those that ship with Ferrome.

mod entry;
mod nearest;
mod shipping;

use std::sync::LazyLock;

pub(super) use entry::within;
pub use entry::{Entry, KnownFile, Room, shards_named, shards_of};
pub use nearest::nearest;

static REGISTRY: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let published: Vec<Entry> = serde_json::from_str(include_str!("registry.json")).unwrap_or_default();
    published.into_iter().chain(shipping::entries(include_str!("../../../../weights/manifest.json"))).collect()
});

/// All models, by family; those that ship with Ferrome last.
#[must_use]
pub fn registry() -> &'static [Entry] {
    &REGISTRY
}

/// The model of this name: its own, `organisation/repository`, or `organisation/repository/folder`.
#[must_use]
pub fn registered(name: &str) -> Option<&'static Entry> {
    registry().iter().find(|entry| entry.is_called(name))
}

#[cfg(test)]
mod tests;
