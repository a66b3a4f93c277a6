//! What every subcommand that reads cells has in common.

use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args;
use ferrome_cell::cells::ValueKind;
use ferrome_cell::read::{self, CellReader, Header, ReadOptions};
use ferrome_core::page::grouped;

use crate::options;

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
