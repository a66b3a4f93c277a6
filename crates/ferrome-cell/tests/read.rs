//! Reading cells: real files of every kind, the same cells in every layout, and what damaged files get.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

#[path = "read/damage.rs"]
mod damage;
#[path = "read/h5ad.rs"]
mod h5ad;
#[path = "read/mtx.rs"]
mod mtx;
#[path = "read/specimens.rs"]
mod specimens;
#[path = "read/tenx.rs"]
mod tenx;

use std::path::{Path, PathBuf};

use ferrome_cell::Result;
use ferrome_cell::cells::{Cells, Values};
use ferrome_cell::read::{CellReader, Header, ReadOptions, open};

/// A folder of the shared test data, or `None` (said on stderr) where that is not at hand; CI must have it.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cells").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

/// All blocks, each of which is checked.
fn blocks(reader: &mut dyn CellReader, nonzeros: usize) -> Result<Vec<Cells>> {
    let mut blocks: Vec<Cells> = Vec::new();
    while let Some(cells) = reader.next_cells(nonzeros)? {
        cells.check(reader.header().genes.len())?;
        assert_eq!(cells.first, blocks.last().map_or(0, |last| last.first + last.len() as u64));
        assert!(!cells.is_empty());
        assert!(cells.genes.len() <= nonzeros || cells.len() == 1);
        blocks.push(cells);
    }
    Ok(blocks)
}

/// The header, and all cells as one block.
fn whole(path: &Path, options: &ReadOptions) -> Result<(Header, Cells)> {
    let mut reader = open(path, options)?;
    let blocks = blocks(&mut *reader, usize::MAX)?;
    let [cells] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    Ok((reader.header().clone(), cells.clone()))
}

fn layer(name: &str) -> ReadOptions {
    ReadOptions { layer: Some(name.to_owned()), ..ReadOptions::default() }
}

fn floats() -> ReadOptions {
    ReadOptions { allow_floats: true, ..ReadOptions::default() }
}

/// The whole message of a file that cannot be opened or read, without its path.
fn message(path: &Path, options: &ReadOptions) -> String {
    let text = match whole(path, options) {
        Ok((header, cells)) => panic!("read {} cells as {}", cells.len(), header.format),
        Err(error) => error.to_string(),
    };
    text.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&text).to_owned()
}

/// Counts of all rows, summed.
fn sums(cells: &Cells) -> Vec<i64> {
    let Values::Counts(values) = &cells.values else { panic!("no counts") };
    cells.starts.windows(2).map(|row| values[row[0]..row[1]].iter().map(|&count| i64::from(count)).sum()).collect()
}
