//! The alignments of a BAM or SAM file in their order, whatever that is.

use std::io::{self, BufRead};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::bam::{self, Raw};
use super::input::{self, Input};
use super::sam::{self, Line};
use super::tags::{self, Found, Tag, Wanted};
use crate::{Error, Result};

/// What counting needs of an alignment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alignment<'a> {
    pub(super) name: &'a [u8],
    pub(super) flags: u16,
    pub(super) mapq: u8,
    pub(super) tags: Tags<'a>,
}

/// The optional fields as the file has them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tags<'a> {
    Bam(&'a [u8]),
    Sam(&'a [u8]),
}

impl<'a> Tags<'a> {
    /// The few that are wanted; the error is what is wrong with them.
    #[inline]
    pub(super) fn scan(self, wanted: &Wanted) -> Result<Found<'a>, String> {
        match self {
            Self::Bam(data) => tags::scan(data, wanted),
            Self::Sam(text) => tags::scan_text(Line::fields(text), wanted),
        }
    }

    /// The names of all.
    pub(super) fn names(self) -> Vec<Tag> {
        match self {
            Self::Bam(data) => tags::names(data),
            Self::Sam(text) => Line::fields(text).filter_map(|field| field.first_chunk().copied()).collect(),
        }
    }
}

/// A file that is being read.
pub(super) struct Alignments {
    path: PathBuf,
    input: Input,
    format: Format,
    read: u64,
}

enum Format {
    Bam { references: i32, records: bam::Records },
    Sam { line: Vec<u8> },
}

impl Alignments {
    /// Opens a BAM (BGZF or not compressed) or SAM file, or standard input for `-`; `threads` decompress.
    pub(super) fn open(path: &Path, threads: NonZeroUsize) -> Result<Self> {
        let path = if path == Path::new("-") { "stdin".into() } else { path.to_owned() };
        let reader = input::open(if path == Path::new("stdin") { Path::new("-") } else { &path })?;
        let mut input = Input::new(reader, threads).map_err(|error| in_header(&path, error))?;
        let format = format(&mut input).map_err(|error| in_header(&path, error))?;
        Ok(Self { path, input, format, read: 0 })
    }

    /// The next alignment.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Alignment<'_>>> {
        let Self { path, input, format, read } = self;
        match format {
            Format::Bam { references, records } => {
                let body = records.next(input).map_err(|error| in_record(path, *read + 1, error))?;
                let Some(body) = body else { return Ok(None) };
                *read += 1;
                let raw = Raw::parse(body, *references).map_err(|reason| at(path, *read, &reason))?;
                let Raw { name, flags, mapq, tags } = raw;
                Ok(Some(Alignment { name, flags, mapq, tags: Tags::Bam(tags) }))
            }
            Format::Sam { line } => {
                let more = sam::read_line(input, line).map_err(|error| in_record(path, *read + 1, error))?;
                if !more {
                    return Ok(None);
                }
                *read += 1;
                let Line { name, flags, mapq, tags } = Line::parse(line).map_err(|reason| at(path, *read, &reason))?;
                Ok(Some(Alignment { name, flags, mapq, tags: Tags::Sam(tags) }))
            }
        }
    }

    /// Trouble with the alignment that was given last.
    #[cold]
    pub(super) fn trouble(&self, reason: &str) -> Error {
        at(&self.path, self.read, reason)
    }

    /// How messages name the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// After the last alignment: what is to be said of the file's end.
    pub(super) fn warning(&self) -> Option<String> {
        (!self.input.has_end()).then(|| {
            format!(
                "{}: has no end-of-file block after record {}: it may have been cut short",
                self.path.display(),
                self.read
            )
        })
    }
}

// The decompressed bytes begin with `BAM\1`, or they are text.
fn format(input: &mut Input) -> io::Result<Format> {
    let head = input.fill_buf()?;
    let head = head.get(..4).unwrap_or(head).to_vec();
    if head == bam::MAGIC {
        input.consume(head.len());
        let references = bam::read_header(input)?;
        return Ok(Format::Bam { references, records: bam::Records::default() });
    }
    let reason = match head.as_slice() {
        [] => "holds no BAM header: nothing is in its BGZF blocks".to_owned(),
        head if input::is_text(head) => return Ok(Format::Sam { line: Vec::new() }),
        head => format!("is not BAM: expected `BAM\\x01`, found `{}`", head.escape_ascii()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn at(path: &Path, record: u64, reason: &str) -> Error {
    Error::file(path, format!("record {record}: {reason}"))
}

// An error while record number `record` was looked for: the file is damaged, or it cannot be read at all.
#[cold]
fn in_record(path: &Path, record: u64, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => at(path, record, &error.to_string()),
        _ => error.into(),
    }
}

#[cold]
fn in_header(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => Error::file(path, error.to_string()),
        io::ErrorKind::UnexpectedEof => Error::file(path, "cut short inside the header"),
        _ => error.into(),
    }
}
