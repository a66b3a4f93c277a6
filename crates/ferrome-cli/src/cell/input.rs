//! What every subcommand that reads cells has in common.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use ferrome_cell::cells::ValueKind;
use ferrome_cell::read::{self, CellReader, Header, ReadOptions, memory::Data};
use ferrome_core::{journal::RunDescription, page::grouped};

use crate::options::{self, describe_input};

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
        options::threads(self.threads)
    }

    /// Opens the cells of `input`, or those that are `given`; what has to be put aside while a matrix is transposed goes beside
    /// `output`.
    pub(crate) fn open(
        &self,
        (input, output): (&Path, &Path),
        given: Option<&Data>,
    ) -> ferrome_cell::Result<Box<dyn CellReader>> {
        let folder = output.parent().filter(|folder| folder.is_dir());
        let options = ReadOptions {
            layer: self.layer.clone(),
            allow_floats: self.allow_normalized,
            threads: self.threads,
            scratch: folder.map(Path::to_owned),
            ..ReadOptions::default()
        };
        open(input, given, &options)
    }
}

/// Opens the cells of a file, or those that a program has.
pub(crate) fn open(
    input: &Path,
    given: Option<&Data>,
    options: &ReadOptions,
) -> ferrome_cell::Result<Box<dyn CellReader>> {
    match given {
        Some(cells) => cells.open(options),
        None => read::open(input, options),
    }
}

/// Adds what the journal keeps of the cells.
pub(crate) fn describe(description: &mut RunDescription, input: &Path, given: Option<&Data>) -> Result<()> {
    let Some(cells) = given else { return describe_input(description, "input", input) };
    description.set("input", cells.describe());
    match cells.file() {
        Some(file) => describe_input(description, "input.file", file),
        None => Ok(()),
    }
}

/// What kind of file it is, and how large, in one line.
pub(crate) fn found(input: &Path, header: &Header) -> String {
    let kind = match header.kind {
        ValueKind::Counts => "counts",
        ValueKind::Floats => "values that are no counts",
    };
    let cells = header.cells.map_or_else(String::new, |cells| format!("{} cells x ", grouped(cells)));
    let genes = grouped(header.genes.len() as u64);
    format!("{}: {}, {kind} from {}: {cells}{genes} genes", input.display(), header.format, header.layer)
}
