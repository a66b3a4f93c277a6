mod portion;

use arrow::array::RecordBatch;
use ferrome_core::engine::BoxError;
use ferrome_core::fingerprint::Fingerprint;

use crate::checkpoint::CheckpointConfig;
use crate::read::{Entry, Library, PairRows, Pairs};

pub(super) use portion::of_portion;

/// Molecules of a block at most; of graphs fewer, so that a small library is work for several threads.
const MOLECULES: usize = 8192;
const GRAPHS: usize = 1024;
/// And rows, where every molecule is scored against several targets.
const ROWS: usize = 131_072;
/// An input of fewer blocks than this is cut into so many pieces, as work for all threads, each of so many rows at least.
const FEW: usize = 16;
const PIECES: usize = 16;
const SMALLEST: usize = 64;

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

impl PairTargets {
    /// What is behind the first `rows`, which it keeps.
    fn split_off(&mut self, rows: usize) -> Self {
        let rest = self.others.slice(rows, self.others.num_rows() - rows);
        self.others = self.others.slice(0, rows);
        Self { targets: self.targets.split_off(rows), others: rest }
    }
}

/// Molecules of a block that a model scores against `targets`.
pub(super) fn molecules(config: &CheckpointConfig, targets: usize) -> usize {
    (ROWS / targets.max(1)).clamp(1, if config.has_graphs() { GRAPHS } else { MOLECULES })
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

/// Cuts the blocks of a short input into pieces. Where they end depends on the input alone.
pub(super) fn spread<B>(mut blocks: B) -> impl Iterator<Item = Result<Block, BoxError>> + Send
where
    B: Iterator<Item = Result<Block, BoxError>> + Send,
{
    let first: Vec<_> = blocks.by_ref().take(FEW).collect();
    let sizes = || first.iter().flatten().map(|block| block.entries.len());
    let most = sizes().sum::<usize>().div_ceil(PIECES).max(SMALLEST);
    // Halves at least: a small rest would be more work than it saves.
    let most = if first.len() < FEW && 2 * most <= sizes().max().unwrap_or(0) { most } else { usize::MAX };
    let pieces = first.into_iter().flat_map(move |block| match block {
        Ok(block) => block.pieces(most).into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    });
    pieces.chain(blocks)
}

impl Block {
    /// Its first `rows`, and the others.
    fn split(mut self, rows: usize) -> (Self, Self) {
        let rest = Self {
            first: self.first + rows as u64,
            entries: self.entries.split_off(rows),
            pairs: self.pairs.as_mut().map(|pairs| pairs.split_off(rows)),
        };
        (self, rest)
    }

    /// Itself in pieces of at most `most` rows.
    fn pieces(mut self, most: usize) -> Vec<Self> {
        let mut pieces = Vec::new();
        while self.entries.len() > most {
            let (piece, rest) = self.split(most);
            pieces.push(piece);
            self = rest;
        }
        pieces.push(self);
        pieces
    }

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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::read::Source;

    pub(super) fn blocks(sizes: &[usize]) -> impl Iterator<Item = Result<Block, BoxError>> + Send {
        let mut first = 0;
        let block = move |size: usize| {
            let entry = |row| Entry { id: format!("{row}"), source: Source::Smiles("C".into()) };
            let block = Block { first, entries: (first..first + size as u64).map(entry).collect(), pairs: None };
            first += size as u64;
            Ok(block)
        };
        sizes.iter().copied().map(block)
    }

    fn spread_sizes(sizes: &[usize]) -> Vec<usize> {
        let mut next = 0;
        let size = |block: Result<Block, BoxError>| {
            let block = block.unwrap();
            assert!(block.entries.iter().zip(block.first..).all(|(entry, row)| entry.id == row.to_string()));
            assert_eq!(block.first, next);
            next += block.entries.len() as u64;
            block.entries.len()
        };
        spread(blocks(sizes)).map(size).collect()
    }

    #[test]
    fn short_inputs_are_cut_into_pieces() {
        assert_eq!(spread_sizes(&[20]), [20]);
        assert_eq!(spread_sizes(&[200]), [64, 64, 64, 8]);
        assert_eq!(spread_sizes(&[100]), [100]);
        assert_eq!(spread_sizes(&[8192, 8192, 100]).len(), 17);
        assert_eq!(spread_sizes(&[8192; 15]).len(), 15);
        assert_eq!(spread_sizes(&[8192; 20]), [8192; 20]);
        assert_eq!(spread_sizes(&[]), [0; 0]);
    }
}
