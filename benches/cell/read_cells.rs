//! Reading alone, on all processors: bytes, decompression, decoding, checks.
//!
//! ```text
//! cargo run --release -p ferrome-cell --example read_cells -- FILE [NONZEROS OF A BLOCK]
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::path::PathBuf;
use std::time::Instant;

use ferrome_cell::cells::Values;
use ferrome_cell::read::{ReadOptions, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("which file?")?);
    let nonzeros = arguments.next().map_or(Ok(1 << 20), |text| text.parse())?;
    let begun = Instant::now();
    let mut reader = open(&path, &ReadOptions::default())?;
    let header = reader.header();
    println!("{}, {} genes, {}, opened in {:.2?}", header.format, header.genes.len(), header.layer, begun.elapsed());
    let (mut cells, mut entries, mut sum, mut blocks) = (0, 0, 0, 0);
    while let Some(block) = reader.next_cells(nonzeros)? {
        cells += block.len();
        entries += block.genes.len();
        blocks += 1;
        if let Values::Counts(values) = &block.values {
            sum += values.iter().map(|&count| i64::from(count)).sum::<i64>();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    println!(
        "{cells} cells, {entries} entries, sum {sum}, {blocks} blocks in {seconds:.2} s: {:.0} cells/s",
        cells as f64 / seconds
    );
    println!("{peak}");
    Ok(())
}
