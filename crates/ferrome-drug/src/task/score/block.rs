use arrow::array::RecordBatch;
use ferrome_core::engine::BoxError;
use ferrome_core::fingerprint::Fingerprint;

use crate::checkpoint::CheckpointConfig;
use crate::read::{Entry, Library, PairRows, Pairs};

/// Molecules of a block at most; of graphs fewer, so that a small library is work for several threads.
const MOLECULES: usize = 8192;
const GRAPHS: usize = 1024;
/// And rows, where every molecule is scored against several targets.
const ROWS: usize = 131_072;

/// What becomes one part of the output.
pub(super) struct Block {
    /// Molecules before it in the input.
    pub(super) first: u64,
    pub(super) entries: Vec<Entry>,
    /// The target of each row, where each row has its own.
    pub(super) pairs: Option<PairTargets>,
}

/// What a table of pairs says beside the molecules.
pub(super) struct PairTargets {
    pub(super) targets: Vec<(String, Option<String>)>,
    pub(super) others: RecordBatch,
}

/// Molecules of a block that a model scores against `targets`.
pub(super) fn molecules(config: &CheckpointConfig, targets: usize) -> usize {
    (ROWS / targets.max(1)).clamp(1, if config.model.graph.is_some() { GRAPHS } else { MOLECULES })
}

/// A library in blocks.
pub(super) fn of_library(library: Library, size: usize) -> impl Iterator<Item = Result<Block, BoxError>> + Send {
    let mut first = 0;
    library.blocks(size).map(move |entries| {
        let entries = entries.map_err(BoxError::from)?;
        let block = Block { first, entries, pairs: None };
        first += block.entries.len() as u64;
        Ok(block)
    })
}

/// A table of pairs in blocks.
pub(super) fn of_pairs(pairs: Pairs) -> impl Iterator<Item = Result<Block, BoxError>> + Send {
    let mut first = 0;
    pairs.map(move |rows| {
        let PairRows { entries, targets, others } = rows.map_err(BoxError::from)?;
        let block = Block { first, entries, pairs: Some(PairTargets { targets, others }) };
        first += block.entries.len() as u64;
        Ok(block)
    })
}

impl Block {
    /// Equal for blocks with the same rows; other columns are the input file's to tell.
    pub(super) fn digest(&self) -> u128 {
        let mut digest = Fingerprint::new();
        self.entries.iter().for_each(|entry| entry.add_to(&mut digest));
        for (id, sequence) in self.pairs.iter().flat_map(|pairs| &pairs.targets) {
            digest.push(id.as_bytes());
            digest.push(sequence.as_deref().unwrap_or_default().as_bytes());
        }
        digest.finish()
    }
}
