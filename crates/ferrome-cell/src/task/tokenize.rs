//! Any matrix of cells to a table of tokens, block by block, in the order of the input.

mod blocks;
mod filter;
mod identity;
mod obs;
mod stream;
mod table;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ferrome_core::engine::{self, Stream, Summary, Totals};
use ferrome_core::fingerprint::hex;
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;

use self::blocks::{Blocks, Counts};
use self::table::TokenTable;
use crate::Result;
use crate::genes::{Matching, Options as GeneOptions};
use crate::read::CellReader;
use crate::tokenize::Tokenizer;
use crate::vocabulary::Vocabulary;

pub use filter::{FILTER_PASS, Filtered};
pub use obs::ObsColumns;
pub use stream::stream;

/// Stored entries of a block, which becomes one part of the output.
pub const BLOCK: usize = 2 << 20;

/// One run.
pub struct Job<'a> {
    /// The cells.
    pub reader: Box<dyn CellReader>,
    /// Which genes the columns are; checked before anything is written.
    pub matching: &'a Matching,
    /// How cells become tokens.
    pub tokenizer: &'a dyn Tokenizer,
    /// Columns of `obs` that go along.
    pub obs: ObsColumns,
    /// A column of `obs`: only cells that have 1 there are taken.
    pub filter: Option<String>,
    /// About how many stored entries a block has; it decides where parts end.
    pub block: usize,
    /// Threads, `--strict`, `--overwrite` and the like.
    pub engine: engine::Options,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Tokenized {
    /// What the engine did: rows are cells.
    pub summary: Summary,
    /// Cells without any gene of the vocabulary; they stay, with no tokens.
    pub without_genes: u64,
    /// Cells left out by the filter.
    pub filtered: u64,
    /// Values that were within 1e-3 of a whole number, and were rounded.
    pub rounded: u64,
}

/// Writes the tokens of all cells to `output`, going on where an earlier run with the same `description` stopped.
///
/// Columns: those of the tokenizer (`input_ids`, `length`, …), `cell_id`, those of `obs` that were asked for, and `error`.
///
/// # Errors
///
/// Too few genes match, a column of `obs` is not there, the input is damaged, the output belongs to something else, or
/// the run was stopped; what is done is kept.
pub fn tokenize(job: Job<'_>, output: Output, mut description: RunDescription) -> Result<Tokenized> {
    let Job { reader, matching, tokenizer, obs, filter, block, engine } = job;
    let mut left_out = None;
    let mut reader = match &filter {
        Some(column) => {
            let filtered = Filtered::new(reader, column)?;
            left_out = Some(filtered.left_out());
            Box::new(filtered)
        }
        None => reader,
    };
    let header = reader.header().clone();
    obs.check(&tokenizer.fields())?;
    let first = reader.next_cells(block)?;
    matching.check(first.as_ref())?;

    tokenizer.describe(&mut description);
    obs.describe(&mut description);
    description.set("layer", &header.layer);
    description.set("filter", filter.as_deref().unwrap_or("none"));
    description.set("block", block);
    let table = TokenTable::new(tokenizer, obs, &header.obs);
    let totals = header.cells.map(|rows| Totals { rows, tokens: None });
    let counts = Arc::new(Counts::default());
    let blocks = Blocks::new(reader, first, matching, block, &counts);
    let summary = engine::stream(Stream { conversion: &table, options: engine, description, output, totals }, blocks)?;
    let [without_genes, rounded] = counts.read();
    let filtered = left_out.map_or(0, |count| count.load(Ordering::Relaxed));
    Ok(Tokenized { summary, without_genes, filtered, rounded })
}

/// Adds what decides how genes are matched.
pub fn describe_genes(description: &mut RunDescription, vocabulary: &Vocabulary, options: &GeneOptions) {
    description.set("vocabulary", format!("{}, xxh3 {}", vocabulary.style(), hex(vocabulary.fingerprint())));
    description.set("names_of_tokens", format!("xxh3 {}", hex(vocabulary.tokens_fingerprint())));
    description.set("genes", options.kind);
    description.set("gene_column", options.column.as_deref().unwrap_or("auto"));
    let map = options.map.as_ref().map_or_else(|| "none".to_owned(), |map| format!("xxh3 {}", hex(map.fingerprint())));
    description.set("gene_map", map);
}

#[cfg(test)]
mod tests;
