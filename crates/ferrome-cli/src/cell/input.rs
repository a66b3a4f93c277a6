//! What every subcommand that reads cells has in common.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use clap::Args;
use ferrome_cell::read::{self, CellReader, Header, ReadOptions};
use ferrome_core::fingerprint::{self, Fingerprint};

/// How cells are read.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reading {
    /// The matrix to take: X, raw/X, or a layer [default: the first of X, raw/X, layers/counts that holds counts]
    #[arg(long, value_name = "NAME")]
    pub(crate) layer: Option<String>,
    /// Take values that are no counts as they are
    #[arg(long)]
    pub(crate) allow_normalized: bool,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl Reading {
    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// Opens the cells; what has to be put aside while a matrix is transposed goes beside `output`.
    pub(crate) fn open(&self, input: &Path, output: &Path) -> ferrome_cell::Result<Box<dyn CellReader>> {
        let folder = output.parent().filter(|folder| folder.is_dir());
        let options = ReadOptions {
            layer: self.layer.clone(),
            allow_floats: self.allow_normalized,
            threads: self.threads,
            scratch: folder.map(Path::to_owned),
            ..ReadOptions::default()
        };
        read::open(input, &options)
    }
}

/// What was found in a file, in one line.
pub(crate) fn found(path: &Path, header: &Header) -> String {
    let cells = header.cells.map_or_else(String::new, |cells| format!("{cells} cells, "));
    format!("{}: {}, {cells}{} genes, from {}", path.display(), header.format, header.genes.len(), header.layer)
}

/// The input with size and hash, for the journal; of a folder, all its files together.
pub(crate) fn describe(path: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(path, &mut files)?;
    let (mut bytes, mut hash) = (0, Fingerprint::new());
    for file in &files {
        let content = fingerprint::file(file)?;
        bytes += content.bytes;
        hash.push(file.strip_prefix(path)?.as_os_str().as_encoded_bytes());
        hash.push(&content.hash.to_le_bytes());
    }
    Ok(format!("{} ({bytes} bytes, xxh3 {})", path.display(), fingerprint::hex(hash.finish())))
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = fs_err::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    entries.iter().try_for_each(|entry| list(&entry.path(), files))
}
