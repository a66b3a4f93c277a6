//! The bar of a download, in bytes, where a person is looking; lines elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar with someone to tell things to.
pub struct Progress {
    bar: ProgressBar,
    say: fn(&str),
}

const TEMPLATE: &str = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go: {msg}";

impl Progress {
    /// A bar on stderr when that is a terminal; whatever is to be told goes above it, or to `say`.
    #[must_use]
    pub fn new(say: fn(&str)) -> Self {
        if !stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), say };
        }
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(0).with_style(style), say }
    }

    /// Neither a bar nor a word.
    #[must_use]
    pub fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), say: |_| {} }
    }

    /// Tells something.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| (self.say)(line));
    }

    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    pub(crate) fn file(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    /// Bytes that were there already, which say nothing about the speed.
    pub(crate) fn found(&self, bytes: u64) {
        self.bar.inc(bytes);
        self.bar.reset_eta();
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Bytes that have to come once more.
    pub(crate) fn lost(&self, bytes: u64) {
        self.bar.set_position(self.bar.position().saturating_sub(bytes));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_is_understood() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
