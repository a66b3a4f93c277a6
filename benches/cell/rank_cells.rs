//! Geneformer's ranking alone, on one thread, without reading and writing:
//!
//! ```text
//! cargo run --release -p ferrome-cell --example rank_cells -- cells.h5ad vocabulary.json [seconds]
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use ferrome_cell::{
    cells::Cells,
    genes::{self, Matching},
    read::{self, ReadOptions},
    task::tokenize::BLOCK,
    tokenize::{
        Tokenizer,
        geneformer::{Geneformer, Options},
        totals::Totals,
    },
    vocabulary::Vocabulary,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [cells, vocabulary, rest @ ..] = args.as_slice() else {
        return Err("usage: rank_cells CELLS VOCAB.json [SECONDS]".into());
    };
    let seconds: u64 = rest.first().map_or(Ok(5), |seconds| seconds.parse())?;
    let mut reader = read::open(Path::new(cells), &ReadOptions::default())?;
    let vocabulary = Vocabulary::open(Path::new(vocabulary))?;
    let matching = Matching::new(&reader.header().genes, &vocabulary, &genes::Options::default())?;
    let totals = Totals::of(&reader.header().obs);
    let options = Options { totals, keep_uncropped: false, keep_counts: false };
    let geneformer = Geneformer::new(&vocabulary, &matching, options)?;
    let mut blocks: Vec<Cells> = Vec::new();
    while let Some(block) = reader.next_cells(BLOCK)? {
        blocks.push(block);
    }

    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let (mut cells, mut entries, mut tokens) = (0, 0, 0);
    while start.elapsed() < limit {
        for block in &blocks {
            tokens += geneformer.tokenize(block)?.tokens;
            cells += block.len();
            entries += block.genes.len();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let [cells, entries, tokens] = [cells as f64, entries as f64, tokens as f64];
    println!(
        "{:.0} cells/s on one thread: {:.1} us a cell of {:.0} entries and {:.0} tokens, {:.1} ns an entry",
        cells / seconds,
        seconds / cells * 1e6,
        entries / cells,
        tokens / cells,
        seconds / entries * 1e9
    );
    Ok(())
}
