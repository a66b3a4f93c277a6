//! Ordering by length and cutting into batches by a token budget.

use std::cmp::Reverse;

/// How a batch is laid out on the device, which decides what it costs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Layout {
    /// One sequence after the other; a batch costs the sum of its tokens.
    #[default]
    Packed,
    /// A rectangle; a batch costs its count times its longest.
    Padded,
}

impl Layout {
    /// The name in a run's description.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Padded => "padded",
        }
    }

    fn cost(self, count: usize, longest: usize, sum: usize) -> usize {
        match self {
            Self::Packed => sum,
            Self::Padded => count.saturating_mul(longest),
        }
    }
}

/// Items cut into batches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batches {
    /// The positions of each batch's items, longest first.
    pub batches: Vec<Vec<usize>>,
    /// Tokens without padding.
    pub tokens: u64,
    /// Tokens with padding; equal to [`Self::tokens`] when packed.
    pub padded_tokens: u64,
}

impl Batches {
    /// The share of what the device computes that is padding, from 0 to 1.
    #[must_use]
    pub fn padding(&self) -> f64 {
        padding(self.tokens, self.padded_tokens)
    }
}

/// The share of `padded` tokens that are padding, from 0 to 1.
#[must_use]
pub fn padding(tokens: u64, padded: u64) -> f64 {
    if padded == 0 { 0.0 } else { 1.0 - tokens as f64 / padded as f64 }
}

/// Orders items by `lengths`, longest first and ties in order, and cuts them into batches that cost at most `budget`
/// tokens; an item that costs more stands alone.
///
/// ```
/// use ferrome_core::batch::{Layout, cut};
///
/// let cut = cut(&[3, 9, 4, 4], 8, Layout::Padded);
/// assert_eq!(cut.batches, [vec![1], vec![2, 3], vec![0]]);
/// assert_eq!((cut.tokens, cut.padded_tokens), (20, 20));
/// ```
#[must_use]
pub fn cut(lengths: &[usize], budget: usize, layout: Layout) -> Batches {
    let mut order: Vec<(usize, usize)> = lengths.iter().copied().enumerate().collect();
    order.sort_by_key(|&(position, length)| (Reverse(length), position));

    let mut result = Batches::default();
    let (mut batch, mut longest, mut sum) = (Vec::new(), 0, 0);
    for (position, length) in order {
        if !batch.is_empty() && layout.cost(batch.len() + 1, longest, sum + length) > budget {
            result.close(&mut batch, layout, longest, sum);
            sum = 0;
        }
        if batch.is_empty() {
            longest = length;
        }
        batch.push(position);
        sum += length;
    }
    result.close(&mut batch, layout, longest, sum);
    result
}

impl Batches {
    fn close(&mut self, batch: &mut Vec<usize>, layout: Layout, longest: usize, sum: usize) {
        if batch.is_empty() {
            return;
        }
        self.tokens += sum as u64;
        self.padded_tokens += layout.cost(batch.len(), longest, sum) as u64;
        self.batches.push(std::mem::take(batch));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn cut_nothing() {
        assert_eq!(cut(&[], 10, Layout::Padded), Batches::default());
    }

    #[test]
    fn packed_batches_cost_their_sum() {
        let cut = cut(&[5, 1, 2, 5], 8, Layout::Packed);
        assert_eq!(cut.batches, [vec![0], vec![3, 2, 1]]);
        assert_eq!((cut.tokens, cut.padded_tokens, cut.padding()), (13, 13, 0.0));
    }

    #[test]
    fn item_beyond_the_budget_stands_alone() {
        assert_eq!(cut(&[2, 100, 2], 10, Layout::Padded).batches, [vec![1], vec![0, 2]]);
    }

    #[test]
    fn every_item_is_in_exactly_one_batch_within_the_budget() {
        let lengths: Vec<usize> = (0..1000).map(|n| n * 7919 % 501).collect();
        for layout in [Layout::Packed, Layout::Padded] {
            let cut = cut(&lengths, 1024, layout);
            let mut seen: Vec<usize> = cut.batches.concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..1000).collect::<Vec<_>>());
            for batch in &cut.batches {
                let sum: usize = batch.iter().map(|&n| lengths[n]).sum();
                assert!(layout.cost(batch.len(), lengths[batch[0]], sum) <= 1024);
            }
        }
    }

    /// Lengths of the proteins of E. coli K-12, in file order; `None` where the shared data is not there.
    fn ecoli_lengths() -> Option<Vec<usize>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/proteins/ecoli_k12_UP000000625");
        if !folder.is_dir() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", folder.display());
            eprintln!("skipped: {} is missing", folder.display());
            return None;
        }
        let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let fasta = entries.filter(|path| path.extension().is_some_and(|suffix| suffix == "fasta")).min().unwrap();
        let mut lengths = Vec::new();
        for line in fs_err::read_to_string(fasta).unwrap().lines() {
            if line.starts_with('>') { lengths.push(0) } else { *lengths.last_mut().unwrap() += line.trim().len() }
        }
        Some(lengths)
    }

    #[test]
    fn padding_on_the_lengths_of_ecoli_is_below_five_percent() {
        let Some(lengths) = ecoli_lengths() else { return };
        assert!(lengths.len() > 4000, "{} proteins", lengths.len());
        // Two more tokens for each protein, and the engine's default window of 64 batches.
        let (mut tokens, mut padded, mut window, mut sum) = (0, 0, Vec::new(), 0);
        for length in lengths.iter().map(|length| length + 2).chain([usize::MAX >> 1]) {
            if sum + length > 64 * 4096 {
                let cut = cut(&window, 4096, Layout::Padded);
                (tokens, padded) = (tokens + cut.tokens, padded + cut.padded_tokens);
                window.clear();
                sum = 0;
            }
            window.push(length);
            sum += length;
        }
        let share = padding(tokens, padded);
        assert!(share < 0.05, "{:.2} % of the tokens are padding", share * 100.0);
        assert!(share > 0.0);
    }
}
