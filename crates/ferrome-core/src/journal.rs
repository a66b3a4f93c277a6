//! What a run was started with, and what of it is done.
//!
//! A run's work folder (`OUT.run/`, or `OUT/_run/` for a folder of parts) holds `run.json` with the [`RunDescription`], a
//! lock, and the finished batches of the parts in hand. A part is finished when it has its final name: it is written
//! whole, synced and renamed, and its own footer holds its [`PartRecord`]. So there is no list that could disagree with
//! the files, and a finished folder of parts needs no other file to be recognised.

mod files;
mod lock;
mod record;
mod start;
mod workplace;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, fingerprint};

pub use files::write_whole;
pub(crate) use files::{publish, write_synced};
pub use lock::Lock;
pub use record::{PartRecord, Rejected, Statistics};
pub use start::refuse_output;
pub(crate) use workplace::Workplace;

/// Every key of file metadata that a run writes starts with this.
pub const METADATA_PREFIX: &str = "ferrome.";

/// Everything that changes a run's result, in the order in which it is shown: version, inputs, model, options.
///
/// ```
/// use ferrome_core::journal::RunDescription;
///
/// let old = RunDescription::new().with("model", "esm2_t6_8M").with("pool", "mean");
/// let new = RunDescription::new().with("model", "esm2_t6_8M").with("pool", "max").with("window", 1022);
/// assert_eq!(old.differences(&new), ["pool was `mean`, now `max`", "window was not set, now `1022`"]);
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RunDescription(Vec<(String, String)>);

impl RunDescription {
    /// A description that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `key` with `value`, or replaces its value.
    pub fn set(&mut self, key: impl Into<String>, value: impl ToString) {
        let (key, value) = (key.into(), value.to_string());
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// As [`Self::set`], by value.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.set(key, value);
        self
    }

    /// Adds the file at `path` under `key`, with its size and the hash of its content.
    ///
    /// # Errors
    ///
    /// The file cannot be read; the message names it.
    pub fn set_file(&mut self, key: impl Into<String>, path: &Path) -> Result<()> {
        let file = fingerprint::file(path)?;
        self.set(key, format!("{}, {} bytes, xxh3 {}", path.display(), file.bytes, fingerprint::hex(file.hash)));
        Ok(())
    }

    /// Keys and values, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Keys as they stand in a file's metadata, and values.
    pub fn metadata(&self) -> impl Iterator<Item = (String, String)> {
        self.entries().map(|(key, value)| (format!("{METADATA_PREFIX}{key}"), value.to_owned()))
    }

    /// One phrase for each key whose value in `now` is another; empty when both say the same, in whatever order.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let phrase = |key: &str, old: Option<&str>, new: Option<&str>| match (old, new) {
            (Some(old), Some(new)) => format!("{key} was `{old}`, now `{new}`"),
            (Some(old), None) => format!("{key} was `{old}`, now not set"),
            _ => format!("{key} was not set, now `{}`", new.unwrap_or_default()),
        };
        let changed = self.entries().filter(|(key, old)| now.get(key) != Some(old));
        let changed = changed.map(|(key, old)| phrase(key, Some(old), now.get(key)));
        let added = now.entries().filter(|(key, _)| self.get(key).is_none());
        changed.chain(added.map(|(key, new)| phrase(key, None, Some(new)))).collect()
    }

    /// Adds every option of a configuration, as JSON, but for those that change nothing of the result.
    ///
    /// # Errors
    ///
    /// It cannot be written as JSON; a defect of ferrome.
    pub fn set_options(&mut self, configuration: &impl Serialize, but_for: &[&str]) -> Result<()> {
        let options = serde_json::to_value(configuration).map_err(std::io::Error::from)?;
        for (key, value) in
            options.as_object().into_iter().flatten().filter(|(key, _)| !but_for.contains(&key.as_str()))
        {
            self.set(key, value);
        }
        Ok(())
    }

    /// Refuses to go on with what lies at `path` where it was started as `earlier`, and not as this.
    ///
    /// # Errors
    ///
    /// [`Error::JournalDiffers`], which lists what differs.
    pub fn refuse_other(&self, earlier: &Self, path: &Path) -> Result<()> {
        let differences = earlier.differences(self);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::JournalDiffers { path: path.to_owned(), differences })
    }

    /// A copy without some keys.
    pub(crate) fn without(&self, keys: &[&str]) -> Self {
        Self(self.0.iter().filter(|(key, _)| !keys.contains(&key.as_str())).cloned().collect())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_the_value_and_keeps_the_place() {
        let description = RunDescription::new().with("a", 1).with("b", 2).with("a", 3);
        assert_eq!(description.entries().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
    }

    #[test]
    fn same_entries_in_another_order_do_not_differ() {
        let old = RunDescription::new().with("a", 1).with("b", 2);
        let new = RunDescription::new().with("b", 2).with("a", 1);
        assert_eq!(old.differences(&new), [""; 0]);
    }

    #[test]
    fn entry_that_is_gone_differs() {
        let old = RunDescription::new().with("a", 1);
        assert_eq!(old.differences(&RunDescription::new()), ["a was `1`, now not set"]);
    }

    #[test]
    fn file_entry_holds_size_and_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fa");
        fs_err::write(&path, b">a\nM\n").unwrap();
        let mut description = RunDescription::new();
        description.set_file("input", &path).unwrap();
        let hash = fingerprint::hex(fingerprint::identity(b">a\nM\n"));
        let expected = format!("{}, 5 bytes, xxh3 {hash}", path.display());
        assert_eq!(description.entries().collect::<Vec<_>>(), [("input", expected.as_str())]);
    }
}
