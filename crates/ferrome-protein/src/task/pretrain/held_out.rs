//! Evaluation: the same residues of the held-out sequences are hidden every time.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    Corpus, PretrainConfig,
    mask::{self, Cover, Masked},
};
use crate::{Result, tokenize};

/// The mean over all residues that are hidden; `loss` gives that of a batch.
pub(super) fn mean(corpus: &Corpus, config: &PretrainConfig, loss: impl Fn(&Masked) -> Result<f64>) -> Result<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let (mut sum, mut count) = (0.0, 0_usize);
    for batch in batches(corpus, config) {
        let masked = mask::hide(batch, config.mask_share, Cover::Mask, &mut random);
        if !masked.places.is_empty() {
            sum += loss(&masked)? * masked.places.len() as f64;
            count += masked.places.len();
        }
    }
    Ok(sum / count.max(1) as f64)
}

/// The held-out sequences in order, up to the configured number of tokens, each cut at `max_length`.
pub(super) fn batches<'a>(corpus: &'a Corpus, config: &'a PretrainConfig) -> impl Iterator<Item = Vec<Vec<u8>>> + 'a {
    let mut rest = corpus.held_out.iter();
    let mut left = config.evaluate_tokens;
    std::iter::from_fn(move || {
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while tokens < config.batch_tokens && left > 0 {
            let Some(sequence) = rest.next() else { break };
            let piece = sequence.get(..config.max_length).unwrap_or(sequence);
            tokens += piece.len() + 2;
            left = left.saturating_sub(piece.len() + 2);
            batch.push(tokenize::framed(piece));
        }
        (!batch.is_empty()).then_some(batch)
    })
}
