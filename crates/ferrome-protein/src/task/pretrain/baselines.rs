//! What simple statistics reach on the same held-out residues: letters alone, and letters given their neighbours.

use std::collections::HashMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Corpus, PretrainConfig, held_out, mask};
use crate::tokenize::STANDARD;

const LETTERS: usize = 20;
/// Widest context that is tried: so many neighbours, on the left or on both sides.
const WIDEST: usize = 5;

/// Perplexities on the held-out residues that evaluation hides.
#[derive(Clone, Debug, PartialEq)]
pub struct Baselines {
    /// Of the frequencies of the letters.
    pub unigram: f64,
    /// Of the best k-mer model.
    pub kmer: f64,
    /// Which that is: letters before and after the hidden one that it looks at.
    pub context: (usize, usize),
}

impl Baselines {
    /// For a model card or a script.
    #[must_use]
    pub fn json(&self) -> String {
        let (before, after) = self.context;
        let value = serde_json::json!({
            "unigram_perplexity": self.unigram,
            "kmer_perplexity": self.kmer,
            "kmer_context": { "before": before, "after": after },
        });
        format!("{value:#}\n")
    }
}

/// Counts the training sequences and evaluates. The k-mer models see the true neighbours of a hidden residue, hidden or
/// not, which favours them.
#[must_use]
pub fn baselines(corpus: &Corpus, config: &PretrainConfig) -> Baselines {
    let contexts = (1..=WIDEST).map(|left| (left, 0)).chain((1..=WIDEST / 2).map(|side| (side, side)));
    let unigram = perplexity(corpus, config, (0, 0));
    let best = contexts.map(|context| (perplexity(corpus, config, context), context));
    let (kmer, context) = best.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((unigram, (0, 0)));
    Baselines { unigram, kmer, context }
}

// Counts of each letter after every context of 0 ..= all neighbours, nearest first.
struct Counts {
    tables: Vec<HashMap<u64, [u32; LETTERS]>>,
    offsets: Vec<isize>,
}

impl Counts {
    fn of(corpus: &Corpus, (left, right): (usize, usize)) -> Self {
        let sides = |n: usize, sign: isize| (1..=n).map(move |i| sign * i.cast_signed());
        let mut offsets: Vec<isize> = sides(left, -1).chain(sides(right, 1)).collect();
        offsets.sort_by_key(|offset| (offset.unsigned_abs(), *offset));
        let mut tables = vec![HashMap::new(); offsets.len() + 1];
        for sequence in &corpus.train {
            for (i, letter) in sequence.iter().enumerate().filter_map(|(i, &token)| Some((i, letter(token)?))) {
                for (table, context) in tables.iter_mut().zip(contexts(sequence, i, &offsets)) {
                    let counts: &mut [u32; LETTERS] = table.entry(context).or_insert([0; LETTERS]);
                    if let Some(count) = counts.get_mut(letter) {
                        *count += 1;
                    }
                }
            }
        }
        Self { tables, offsets }
    }

    // Each context leans on the one without its farthest neighbour, with the weight of so many observations.
    fn probability(&self, sequence: &[u8], i: usize, letter: usize, weight: f64) -> f64 {
        let mut p = 1.0 / LETTERS as f64;
        for (table, context) in self.tables.iter().zip(contexts(sequence, i, &self.offsets)) {
            let Some(counts) = table.get(&context) else { break };
            let total: u32 = counts.iter().sum();
            p = (f64::from(counts.get(letter).copied().unwrap_or(0)) + weight * p) / (f64::from(total) + weight);
        }
        p
    }
}

// Number of the context of the nearest 0, 1, 2, … neighbours; beyond the ends stands a token of its own.
fn contexts<'a>(sequence: &'a [u8], i: usize, offsets: &'a [isize]) -> impl Iterator<Item = u64> + 'a {
    let neighbours = offsets.iter().scan(0_u64, move |context, &offset| {
        let token = i.checked_add_signed(offset).and_then(|at| sequence.get(at)).copied().unwrap_or(63);
        *context = *context << 6 | u64::from(token);
        Some(*context)
    });
    std::iter::once(0).chain(neighbours)
}

fn letter(token: u8) -> Option<usize> {
    STANDARD.contains(&token).then(|| usize::from(token - STANDARD.start))
}

// The weight of the shorter contexts is the best of a few: it is chosen on what is evaluated, which favours the baseline.
fn perplexity(corpus: &Corpus, config: &PretrainConfig, context: (usize, usize)) -> f64 {
    let counts = Counts::of(corpus, context);
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    // Sequences, and hidden residues as sequence and position in it.
    let (mut sequences, mut places) = (Vec::new(), Vec::new());
    for batch in held_out::batches(corpus, config) {
        let whole = batch.clone();
        let masked = mask::hide(batch, config.mask_share, mask::Cover::Mask, &mut random);
        let starts: Vec<usize> =
            whole.iter().scan(0, |end, sequence| Some(std::mem::replace(end, *end + sequence.len()))).collect();
        let hidden = masked.places.iter().filter_map(|&place| usize::try_from(place).ok());
        places.extend(hidden.map(|place| {
            let nth = starts.partition_point(|&start| start <= place).saturating_sub(1);
            (sequences.len() + nth, place - starts.get(nth).copied().unwrap_or_default())
        }));
        sequences.extend(whole);
    }
    let weights = [1.0, 10.0, 100.0, 1000.0];
    let loss = |weight: f64| {
        let sum: f64 = places
            .iter()
            .filter_map(|&(nth, i)| {
                let sequence: &Vec<_> = sequences.get(nth)?;
                let inner = sequence.get(1..sequence.len() - 1)?;
                let truth = letter(*inner.get(i - 1)?)?;
                Some(-counts.probability(inner, i - 1, truth, weight).ln())
            })
            .sum();
        sum / places.len().max(1) as f64
    };
    weights.into_iter().map(loss).fold(f64::MAX, f64::min).exp()
}
