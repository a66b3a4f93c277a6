//! Any matrix of cells to a dataset, block by block.

mod genes_file;
mod table;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ferrome_core::engine::{self, BoxError, Stream, Summary, Totals};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;

use crate::cells::Cells;
use crate::dataset::{self, CELL_COLUMNS, frame::Frame};
use crate::read::CellReader;
use crate::{Error, Result};
use genes_file::GenesFile;
use table::CellTable;

/// Stored entries of a block, which becomes one part of the dataset.
pub const BLOCK: usize = 4 << 20;

/// How a dataset is written.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// Threads, `--strict`, `--overwrite` and the like.
    pub engine: engine::Options,
    /// Stored entries of a block, about; it decides where parts end.
    pub block: usize,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Converted {
    /// What the engine did: rows are cells, tokens are stored entries.
    pub summary: Summary,
    /// Values that were within 1e-3 of a whole number and were rounded; of all that this run read.
    pub rounded: u64,
    /// Columns of `obs` and `var` that had to be renamed: original name, and name in the dataset.
    pub renamed: Vec<(String, String)>,
}

/// Writes all cells of `reader` to the dataset at `path`, going on where an earlier run with the same `description`
/// stopped.
///
/// # Errors
///
/// The input is damaged, the output belongs to something else, or the run was stopped; what is done is kept.
pub fn convert(
    mut reader: Box<dyn CellReader>,
    path: &Path,
    options: &ConvertOptions,
    description: RunDescription,
) -> Result<Converted> {
    genes_file::refuse_foreign(path)?;
    let header = reader.header().clone();
    // The categories of obs stand in the dictionaries of the first block.
    let first = reader.next_cells(options.block)?;
    // A matrix without cells still gives one part, which says what columns there are.
    let first = first.unwrap_or_else(|| header.no_cells());
    let obs = first.obs.clone();
    let frame = Frame::new(&obs, &CELL_COLUMNS, "_obs")?;
    let conversion = CellTable::new(&frame, &obs.schema(), header.kind);
    let described =
        dataset::genes::describe(&header.genes, header.cells, frame).map_err(ferrome_core::Error::Worker)?;
    let renamed = described.obs.renamed().chain(described.var.renamed());
    let renamed = renamed.map(|(old, new)| (old.to_owned(), new.to_owned())).collect();
    let genes = GenesFile::new(path, &header.genes, &described)?;
    let description = description
        .with(dataset::LAYER, &header.layer)
        .with(dataset::VALUES, dataset::kind_name(header.kind))
        .with(dataset::GENES_DIGEST, genes.digest())
        .with("block", options.block);

    let rounded = Arc::new(AtomicU64::new(0));
    let blocks = Blocks {
        first: Some(first),
        reader,
        genes: genes.clone(),
        gene_count: header.genes.len(),
        block: options.block,
        rounded: rounded.clone(),
        ended: false,
    };
    let totals = header.cells.map(|rows| Totals { rows, tokens: header.nonzeros });
    let output = Output::parse(path.join(format!("{}/", dataset::CELLS)))?;
    let job = Stream { conversion: &conversion, options: options.engine.clone(), description, output, totals };
    let summary = engine::stream(job, blocks)?;
    // Of a run that had nothing to read.
    genes.publish()?;
    Ok(Converted { summary, rounded: rounded.load(Ordering::Relaxed), renamed })
}

/// The blocks of a reader. `genes.parquet` is written before the first, when the engine holds the lock of the output.
struct Blocks {
    first: Option<Cells>,
    reader: Box<dyn CellReader>,
    genes: GenesFile,
    gene_count: usize,
    block: usize,
    rounded: Arc<AtomicU64>,
    ended: bool,
}

impl Blocks {
    fn read(&mut self) -> Result<Option<Cells>> {
        let cells = match self.first.take() {
            Some(cells) => {
                self.genes.publish()?;
                Some(cells)
            }
            None => self.reader.next_cells(self.block)?,
        };
        if let Some(cells) = &cells {
            cells.check(self.gene_count)?;
            self.rounded.fetch_add(cells.rounded, Ordering::Relaxed);
        }
        Ok(cells)
    }
}

impl Iterator for Blocks {
    type Item = Result<Cells, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let block = self.read().map_err(|error: Error| BoxError::from(error)).transpose();
        self.ended = !matches!(block, Some(Ok(_)));
        block
    }
}
