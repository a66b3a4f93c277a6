//! Quality of a matrix of cells: counts, genes, the mitochondrial share, and what becomes of cells as tokens.
//!
//! One pass over the cells, in memory that depends on the number of genes only: distributions are kept in bins that are at
//! most 0.1 % wide, see [`sketch::Sketch`]. [`survey`] gives a [`Report`], which writes itself as one HTML page or as JSON.

mod figures;
pub mod mitochondria;
mod page;
pub mod plane;
mod plot;
mod report;
pub mod sketch;
mod tally;
pub mod tokens;
pub mod totals;

use ferrome_core::Error as Core;
use ferrome_core::engine::Totals;
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::Statistics;
use ferrome_core::progress::Progress;

use crate::Result;
use crate::genes::Matching;
use crate::read::CellReader;
use crate::vocabulary::Vocabulary;
use mitochondria::Mitochondria;
pub use report::{Matched, Report};
use tally::Tally;
use tokens::TokenLengths;

/// Stored entries of a block.
const BLOCK: usize = 1 << 20;

/// How a survey runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The most tokens of a cell, where it is not the published one.
    pub max_length: Option<usize>,
    /// Stop at the first cell that cannot be used.
    pub strict: bool,
    /// No progress bar.
    pub quiet: bool,
    /// Asks the run to stop.
    pub interrupt: Interrupt,
}

/// Reads all cells and counts; with a vocabulary and how the genes match it, also tokens.
///
/// # Errors
///
/// The input is damaged, too few genes match, a cell is rejected and `strict` is set, or the run was stopped.
pub fn survey(
    reader: &mut dyn CellReader,
    vocabulary: Option<(&Vocabulary, &Matching)>,
    options: &Options,
) -> Result<Report> {
    let header = reader.header().clone();
    let mitochondria = Mitochondria::recognise(&header.genes);
    let lengths = vocabulary.map(|(vocabulary, matching)| TokenLengths::new(vocabulary, matching, options.max_length));
    let mut tally = Tally::new(header.genes.len(), header.kind);
    let totals = header.cells.map(|rows| Totals { rows, tokens: header.nonzeros });
    let mut progress = Progress::new(totals, options.quiet);
    while let Some(cells) = reader.next_cells(BLOCK)? {
        if options.interrupt.is_raised() {
            progress.finish();
            let go_on = "no report is written; run the same command again".to_owned();
            return Err(Core::Interrupted { done: tally.cells, total: header.cells, go_on }.into());
        }
        cells.check(header.genes.len())?;
        if let Some((_, matching)) = vocabulary.filter(|_| tally.cells == 0) {
            matching.check(Some(&cells))?;
        }
        tally.add(&cells, mitochondria.as_ref(), lengths.as_ref());
        if let Some((name, reason)) = tally.listed.first().filter(|_| options.strict) {
            return Err(Core::Rejected { name: name.clone(), reason: reason.clone() }.into());
        }
        progress.computed(cells.len() as u64, cells.genes.len() as u64);
        let done = Statistics { rows: tally.cells, tokens: tally.entries, ..Statistics::default() };
        progress.finished(&done, false);
    }
    progress.finish();
    let matched = vocabulary.zip(lengths.as_ref()).map(|((vocabulary, matching), lengths)| Matched {
        style: vocabulary.style(),
        max_length: lengths.max_length(),
        statistics: matching.statistics.clone(),
    });
    Ok(Report::new(&header, tally, mitochondria, matched))
}

#[cfg(test)]
mod tests;
