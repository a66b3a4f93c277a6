//! Writing cells for other tools: AnnData's h5ad, and the folder of Cell Ranger.
//!
//! These files are written whole or not at all: under another name first, then renamed. A run that was stopped starts anew.

pub mod h5ad;
pub mod mtx;

use std::path::{Path, PathBuf};

use ferrome_core::Error as Core;
use ferrome_core::engine::Totals;
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::Statistics;
use ferrome_core::progress::Progress;

use crate::cells::Cells;
use crate::read::CellReader;
use crate::{Error, Result};

/// Stored entries of a block.
const BLOCK: usize = 1 << 20;

/// How a file is written.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Stop at the first cell that cannot be used.
    pub strict: bool,
    /// Replace a file that exists.
    pub overwrite: bool,
    /// No progress bar.
    pub quiet: bool,
    /// Asks the run to stop.
    pub interrupt: Interrupt,
}

/// What was written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Cells, those that cannot be used among them.
    pub cells: u64,
    /// Stored entries.
    pub entries: u64,
    /// Values that were within 1e-3 of a whole number and were rounded.
    pub rounded: u64,
    /// Cells that cannot be used, written without entries: their ids, with the reasons.
    pub rejected: Vec<(String, String)>,
    /// Columns that the format cannot hold: `obs/NAME` or `var/NAME`.
    pub left_out: Vec<String>,
}

/// Gives every block of `reader` to `write`, and counts.
fn every_block(
    reader: &mut dyn CellReader,
    path: &Path,
    options: &WriteOptions,
    mut write: impl FnMut(&Cells) -> Result<()>,
) -> Result<Written> {
    let (rows, tokens, genes) = (reader.header().cells, reader.header().nonzeros, reader.header().genes.len());
    let mut progress = Progress::new(rows.map(|rows| Totals { rows, tokens }), options.quiet);
    let mut written = Written::default();
    while let Some(cells) = reader.next_cells(BLOCK)? {
        if options.interrupt.is_raised() {
            progress.finish();
            let go_on = format!("{} is not written; run the same command again", path.display());
            return Err(Core::Interrupted { done: written.cells, total: rows, go_on }.into());
        }
        cells.check(genes)?;
        let rejected = cells.rejected.iter().map(|(row, reason)| (cells.ids.value(*row).to_owned(), reason.clone()));
        written.rejected.extend(rejected);
        if let Some((name, reason)) = written.rejected.first().filter(|_| options.strict) {
            return Err(Core::Rejected { name: name.clone(), reason: reason.clone() }.into());
        }
        write(&cells)?;
        written.cells += cells.len() as u64;
        written.entries += cells.genes.len() as u64;
        written.rounded += cells.rounded;
        let done = Statistics { rows: written.cells, tokens: written.entries, ..Statistics::default() };
        progress.computed(cells.len() as u64, cells.genes.len() as u64);
        progress.finished(&done, false);
    }
    progress.finish();
    Ok(written)
}

/// The name under which `path` is written until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.tmp"))
}

/// Refuses an output that exists, or whose folder does not.
fn check_output(path: &Path, options: &WriteOptions) -> Result<()> {
    if path.exists() && !options.overwrite {
        return Err(Core::OutputExists { path: path.to_owned() }.into());
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(Error::file(path, format!("there is no folder {}", folder.display()))),
        None => Ok(()),
    }
}
