use std::collections::HashSet;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64;

use super::PretrainConfig;
use crate::{Error, Result, read::Protein, tokenize};

/// Proteins as tokens in memory, one byte per residue, split by a hash of the sequence: each distinct sequence is on
/// one side, whatever the order and number of files.
#[derive(Debug, Default)]
pub struct Corpus {
    /// To train on.
    pub train: Vec<Vec<u8>>,
    /// To evaluate on.
    pub held_out: Vec<Vec<u8>>,
    /// Records that were seen before.
    pub duplicates: u64,
    /// Records that have no tokens.
    pub rejected: u64,
    /// The first of these, with the reason.
    pub first_rejected: Option<String>,
    digest: u64,
}

impl Corpus {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// Trouble with a file; too little on either side of the split.
    pub fn read(proteins: impl Iterator<Item = Result<Protein>>, held_out_share: f64) -> Result<Self> {
        let mut corpus = Self::default();
        let mut seen = HashSet::new();
        for protein in proteins {
            let protein = protein?;
            let hash = xxh3_64(&protein.sequence);
            match tokenize::residues(&protein.sequence) {
                Err(reason) => {
                    corpus.rejected += 1;
                    corpus.first_rejected.get_or_insert_with(|| format!("{}: {reason}", protein.id));
                }
                Ok(_) if !seen.insert(hash) => corpus.duplicates += 1,
                Ok(residues) => {
                    // The hash as a number from 0 to 1.
                    let held_out = (hash as f64 / u64::MAX as f64) < held_out_share;
                    if held_out {
                        corpus.held_out.push(residues)
                    } else {
                        corpus.train.push(residues)
                    }
                    corpus.digest = corpus.digest.rotate_left(5) ^ hash;
                }
            }
        }
        if corpus.train.is_empty() || corpus.held_out.is_empty() {
            return Err(Error::TooFewSequences { train: corpus.train.len(), held_out: corpus.held_out.len() });
        }
        Ok(corpus)
    }

    /// Residues to train on.
    #[must_use]
    pub fn residues(&self) -> usize {
        self.train.iter().map(Vec::len).sum()
    }

    /// Depends on every sequence and on their order.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{:016x}, {} sequences, {} held out", self.digest, self.train.len(), self.held_out.len())
    }
}

/// Where a run stands in its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) epoch: u64,
    pub(super) next: usize,
}

/// The order of one epoch, and the batches from it.
#[derive(Debug)]
pub(super) struct Batches<'c> {
    corpus: &'c Corpus,
    config: PretrainConfig,
    order: Vec<usize>,
    pub(super) cursor: Cursor,
}

impl<'c> Batches<'c> {
    pub(super) fn new(corpus: &'c Corpus, config: &PretrainConfig, cursor: Cursor) -> Self {
        let mut batches = Self { corpus, config: config.clone(), order: Vec::new(), cursor };
        batches.shuffle();
        batches
    }

    fn shuffle(&mut self) {
        let mut random = ChaCha8Rng::seed_from_u64(self.config.seed);
        random.set_stream(self.cursor.epoch);
        self.order = (0..self.corpus.train.len()).collect();
        self.order.shuffle(&mut random);
    }

    /// The next sequences within the token budget, each cut to a random piece of `max_length`.
    pub(super) fn next(&mut self, random: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
        let (mut batch, mut tokens) = (Vec::new(), 0);
        loop {
            if self.cursor.next >= self.order.len() {
                self.cursor = Cursor { epoch: self.cursor.epoch + 1, next: 0 };
                self.shuffle();
            }
            let sequence = self.order.get(self.cursor.next).and_then(|&i| self.corpus.train.get(i));
            let Some(sequence) = sequence else { return batch };
            let piece = crop(sequence, self.config.max_length, random);
            tokens += piece.len() + 2;
            if tokens > self.config.batch_tokens && !batch.is_empty() {
                return batch;
            }
            batch.push(tokenize::framed(piece));
            self.cursor.next += 1;
        }
    }
}

fn crop<'s>(sequence: &'s [u8], most: usize, random: &mut ChaCha8Rng) -> &'s [u8] {
    use rand::Rng;
    let start = if sequence.len() > most { random.random_range(0..=sequence.len() - most) } else { 0 };
    sequence.get(start..sequence.len().min(start + most)).unwrap_or(sequence)
}
