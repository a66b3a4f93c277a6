//! Where in a file reading stopped, and why.

use std::io;

use super::Fasta;
use crate::read::{Place, input::Failure, protein::Header};
use crate::{Error, ReadError};

impl Fasta {
    pub(super) fn place(&self, header: Option<&Header>) -> Place {
        header.map_or_else(Place::start, |header| Place::in_record(self.whole, &header.id, header.line))
    }

    pub(super) fn not_fasta(&self, found: String) -> Error {
        ReadError::NotFasta { file: self.file.clone(), line: self.lines.number(), found }.into()
    }

    pub(super) fn truncated(&self, expected: &'static str, header: Option<&Header>) -> Error {
        ReadError::Truncated { file: self.file.clone(), place: self.place(header), expected }.into()
    }

    pub(super) fn too_long(&self, what: &'static str, limit: usize, header: Option<&Header>) -> Error {
        ReadError::TooLong { file: self.file.clone(), place: self.place(header), what, limit }.into()
    }

    /// Tells a failing disk from a cut and from a damaged file.
    pub(super) fn failed(&self, error: io::Error, header: Option<&Header>) -> Error {
        match Failure::unwrap(error) {
            Ok(error) => unreadable(&self.file, error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.truncated(self.lines.reader().more(), header)
            }
            Err(error) => ReadError::Damaged {
                file: self.file.clone(),
                place: self.place(header),
                format: self.lines.reader().format(),
                reason: reason(&error),
            }
            .into(),
        }
    }
}

pub(super) fn unreadable(file: &str, error: io::Error) -> Error {
    let text = error.to_string();
    let text = if text.contains(file) { text } else { format!("{file}: {text}") };
    Error::Io(io::Error::new(error.kind(), text))
}

/// The first line of what a decompressor says, which of libdeflate is about itself.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    if line.contains("libdeflate") { "invalid data".to_owned() } else { line.to_owned() }
}
