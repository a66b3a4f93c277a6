//! Chance that depends on the seed and on one cell's content only.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The generators of one cell: one for bins, one for the sample, so that neither depends on the other's use.
pub(super) struct Chance {
    generator: ChaCha8Rng,
}

/// A stream of random numbers for one purpose.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Which bin, for values that may get several.
    Bins = 0,
    /// Which genes, of a cell that has too many.
    Sample = 1,
}

impl Chance {
    /// The generators of a cell with these tokens and values; `bytes` is memory to use.
    pub(super) fn of_cell(seed: u64, content: impl Iterator<Item = (i32, f64)>, bytes: &mut Vec<u8>) -> Self {
        bytes.clear();
        for (token, value) in content {
            bytes.extend_from_slice(&token.to_le_bytes());
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let mut key = [0; 32];
        key[..16].copy_from_slice(&xxh3_128_with_seed(bytes, seed).to_le_bytes());
        key[16..24].copy_from_slice(&seed.to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(key) }
    }

    /// The random numbers for one purpose, from the first one on.
    pub(super) fn stream(&self, purpose: Purpose) -> Stream {
        let mut generator = self.generator.clone();
        generator.set_stream(purpose as u64);
        generator.set_word_pos(0);
        Stream(generator)
    }
}

/// Random numbers.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// A number that is at least 0 and below 1; the multiples of 2^-53, each as likely.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Puts `count` of the items, chosen at random, first, in random order.
    pub(super) fn sample<T>(&mut self, items: &mut [T], count: usize) {
        let total = items.len();
        for first in 0..count.min(total) {
            // The upper half of the product with a random 64-bit number; uneven by 2^-40 at most.
            let choices = (total - first) as u128;
            let offset = ((u128::from(self.0.next_u64()) * choices) >> 64) as usize;
            items.swap(first, first + offset);
        }
    }
}
