//! The bins that each value of a row may get, found once for each distinct count, or by edges for other numbers.

use super::edges::Edges;
use super::{Binning, Choice};

/// Counts up to this are sorted by counting them.
const LARGEST_TALLIED: usize = 4095;

/// The bins of one row's values; memory is used again from row to row.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    edges: Edges,
    /// How many values of the row are each count.
    tally: Vec<u32>,
    /// The value of each count that occurs.
    value_of: Vec<f32>,
    /// What each count may get, when the row was tallied.
    choices: Vec<Choice>,
    /// The values of the row in ascending order, by their bits, when it was not.
    ascending: Vec<u32>,
}

impl Intervals {
    /// Reads a row of positive values, and counts that rise with them where it was made from counts.
    pub(crate) fn read(&mut self, values: &[f32], counts: Option<&[i32]>, binning: Binning) {
        self.choices.clear();
        let most = counts.and_then(|counts| counts.iter().copied().max());
        match (counts, most.and_then(|most| usize::try_from(most).ok())) {
            (Some(counts), Some(most)) if most <= LARGEST_TALLIED => self.tally(values, counts, most, binning),
            _ => self.sort(values, binning),
        }
    }

    /// The bins that entry `value`, made from `count`, may get.
    pub(crate) fn choice(&self, value: f32, count: i32) -> Choice {
        let tallied = usize::try_from(count).ok().and_then(|count| self.choices.get(count));
        tallied.copied().unwrap_or_else(|| self.edges.choice(value))
    }

    fn tally(&mut self, values: &[f32], counts: &[i32], most: usize, binning: Binning) {
        self.tally.clear();
        self.tally.resize(most + 1, 0);
        self.value_of.resize(self.value_of.len().max(most + 1), 0.0);
        for (&count, &value) in counts.iter().zip(values) {
            self.tally[count as usize] += 1;
            self.value_of[count as usize] = value;
        }
        // Two cursors, since positions are asked for in pairs that overlap.
        let mut cursors = [Cursor::default(), Cursor::default()];
        let mut turn = 0;
        let (tally, value_of) = (&self.tally, &self.value_of);
        self.edges.find(values.len(), binning.bins, |position| {
            turn ^= 1;
            value_of[cursors[turn].advance(tally, position)]
        });
        let edges = &self.edges;
        let choice = |(&n, &value): (&u32, &f32)| if n == 0 { Choice::default() } else { edges.choice(value) };
        self.choices.extend(tally.iter().zip(value_of).map(choice));
    }

    fn sort(&mut self, values: &[f32], binning: Binning) {
        self.ascending.clear();
        // Positive floats are in the order of their bits.
        self.ascending.extend(values.iter().map(|value| value.to_bits()));
        self.ascending.sort_unstable();
        let ascending = &self.ascending;
        self.edges.find(values.len(), binning.bins, |position| {
            ascending.get(position).map_or(0.0, |&bits| f32::from_bits(bits))
        });
    }
}

/// Walks up a tally: the count at a position of the values in ascending order.
#[derive(Default)]
struct Cursor {
    /// The count at which it stands.
    count: usize,
    /// The number of values below it.
    before: usize,
}

impl Cursor {
    /// The count at `position`, which is not before the one asked for last.
    fn advance(&mut self, tally: &[u32], position: usize) -> usize {
        while let Some(&here) = tally.get(self.count) {
            if position < self.before + here as usize {
                return self.count;
            }
            self.before += here as usize;
            self.count += 1;
        }
        tally.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenize::binning::Draw;

    const BINNING: Binning = Binning { bins: 5, draw: Draw::Middle };

    fn choices(values: &[f32], counts: Option<&[i32]>, binning: Binning) -> Vec<(u16, u16)> {
        let mut intervals = Intervals::default();
        intervals.read(values, counts, binning);
        let count = |i: usize| counts.map_or(-1, |counts| counts[i]);
        let choice = |(i, &value): (usize, &f32)| intervals.choice(value, count(i));
        values.iter().enumerate().map(choice).map(|choice| (choice.low, choice.high)).collect()
    }

    #[test]
    fn bins_of_distinct_values() {
        // Edges 1, 2, 3, 4: the quantiles 0, 1/3, 2/3, 1.
        assert_eq!(choices(&[4.0, 1.0, 2.0, 3.0], None, BINNING), [(3, 4), (0, 1), (1, 2), (2, 3)]);
    }

    #[test]
    fn equal_values_may_get_several_bins() {
        // Edges 1, 1, 1, 5.
        assert_eq!(choices(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0], None, BINNING)[0], (0, 3));
        assert_eq!(choices(&[7.0], None, BINNING), [(0, 4)]);
    }

    #[test]
    fn tallied_counts_and_sorted_values_agree() {
        let counts: Vec<i32> = (0..2000).map(|i| 1 + (i * i) % 7 + if i % 97 == 0 { i } else { 0 }).collect();
        let values: Vec<f32> = counts.iter().map(|&count| (count as f32 / 0.37).ln_1p()).collect();
        let binning = Binning::default();
        assert_eq!(choices(&values, Some(&counts), binning), choices(&values, None, binning));
        let plain: Vec<f32> = counts.iter().map(|&count| count as f32).collect();
        assert_eq!(choices(&plain, Some(&counts), binning), choices(&values, None, binning));
    }

    #[test]
    fn counts_too_large_to_tally_are_sorted() {
        let counts = [1, 2, 3, 100_000];
        let values = counts.map(|count| count as f32);
        assert_eq!(choices(&values, Some(&counts), BINNING), [(0, 1), (1, 2), (2, 3), (3, 4)]);
    }

    #[test]
    fn no_value_at_all() {
        assert_eq!(choices(&[], Some(&[]), BINNING), []);
        assert_eq!(choices(&[], None, BINNING), []);
    }
}
