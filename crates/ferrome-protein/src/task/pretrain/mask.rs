use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::tokenize::{MASK, STANDARD};

/// A batch with some residues hidden, and what they were.
#[derive(Debug, Default)]
pub(super) struct Masked {
    /// Framed sequences as the model sees them.
    pub(super) sequences: Vec<Vec<u8>>,
    /// Places of the hidden residues in the packed batch.
    pub(super) places: Vec<i64>,
    /// What they were.
    pub(super) targets: Vec<i64>,
    /// Tokens of the batch.
    pub(super) tokens: usize,
}

/// What stands in the place of a hidden residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// For training: 80 % `<mask>`, 10 % another residue, 10 % itself (BERT, arXiv:1810.04805).
    Bert,
    /// For evaluation: always `<mask>`, so that nothing of the truth can be seen.
    Mask,
}

/// Hides `share` of the standard residues.
pub(super) fn hide(sequences: Vec<Vec<u8>>, share: f64, cover: Cover, random: &mut ChaCha8Rng) -> Masked {
    let mut masked = Masked::default();
    for mut sequence in sequences {
        for (i, token) in sequence.iter_mut().enumerate() {
            if STANDARD.contains(token) && random.random_bool(share) {
                masked.places.push(i64::try_from(masked.tokens + i).unwrap_or(i64::MAX));
                masked.targets.push(i64::from(*token));
                *token = match random.random_range(0..10) {
                    _ if cover == Cover::Mask => MASK,
                    0 => random.random_range(STANDARD),
                    1 => *token,
                    _ => MASK,
                };
            }
        }
        masked.tokens += sequence.len();
        masked.sequences.push(sequence);
    }
    masked
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn shares_are_as_published_and_frame_is_spared() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let original: Vec<Vec<u8>> = vec![crate::tokenize::framed(&[5; 40_000]), crate::tokenize::framed(&[24; 100])];
        let masked = hide(original, 0.15, Cover::Bert, &mut random);
        let hidden = masked.places.len() as f64;
        assert!((hidden / 40_000.0 - 0.15).abs() < 0.01);
        let first = &masked.sequences[0];
        assert_eq!((first[0], first[first.len() - 1]), (0, 2));
        let count =
            |wanted: &dyn Fn(u8) -> bool| masked.places.iter().filter(|&&p| wanted(first[p as usize])).count() as f64;
        assert!((count(&|t| t == MASK) / hidden - 0.8).abs() < 0.02);
        assert!((count(&|t| t == 5) / hidden - 0.105).abs() < 0.02);
        assert!(masked.targets.iter().all(|&t| t == 5));
        assert!(masked.sequences[1].iter().all(|&t| t != MASK));
    }
}
