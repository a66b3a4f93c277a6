/// Orders numbers descending, ties by position, as a stable sort of float64 would, but faster.
///
/// A number's bits become a key of 64 bits that ascends where the number descends. What tells the keys of a cell apart lies
/// in a few of these bits: the highest [`DIGITS`] times [`DIGIT`] that differ at all are sorted digit by digit, together with
/// the position; only where they agree, the whole keys are compared.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// Keys of the numbers, by position.
    keys: Vec<u64>,
    /// The bits that are sorted by, above the 32 bits of a position.
    packed: Vec<u64>,
    spare: Vec<u64>,
    wanted: usize,
}

/// Digits by which numbers are sorted, and the bits of each.
const DIGITS: u32 = 2;
const DIGIT: u32 = 11;

/// Fewer numbers than this are compared instead: filling the tables of digits would take longer.
const FEW: usize = 192;

impl Ranking {
    /// Ranks `numbers`, none of which is NaN; of the order, only the first `wanted` are given.
    pub(super) fn sort(&mut self, numbers: impl Iterator<Item = f64>, wanted: usize) {
        self.keys.clear();
        self.keys.extend(numbers.map(descending));
        self.wanted = wanted.min(self.keys.len());
        let (least, most) = self.keys.iter().fold((u64::MAX, 0), |(least, most), &key| (least.min(key), most.max(key)));
        let differing = 64 - most.saturating_sub(least).leading_zeros();
        let shift = differing.saturating_sub(DIGITS * DIGIT);
        let pack = |(position, key): (usize, &u64)| (((key - least) >> shift) << 32) | position as u64;
        self.packed.clear();
        self.packed.extend(self.keys.iter().enumerate().map(pack));
        if self.packed.len() < FEW {
            self.packed.sort_unstable();
        } else {
            self.sort_by_digits();
        }
        if shift > 0 {
            self.settle();
        }
    }

    /// The positions of the wanted numbers, by rank.
    pub(super) fn order(&self) -> impl Iterator<Item = u32> + '_ {
        self.packed.iter().take(self.wanted).map(|packed| *packed as u32)
    }

    /// Sorts by the lowest digit, then by the next: each pass keeps the order of equal digits.
    fn sort_by_digits(&mut self) {
        const VALUES: usize = 1 << DIGIT;
        let digit = |packed: u64, which: usize| (packed >> (32 + which as u32 * DIGIT)) as usize % VALUES;
        let mut places = [[0_u32; VALUES]; DIGITS as usize];
        for &packed in &self.packed {
            for (which, counts) in places.iter_mut().enumerate() {
                counts[digit(packed, which)] += 1;
            }
        }
        self.spare.resize(self.packed.len(), 0);
        for (which, places) in places.iter_mut().enumerate() {
            let mut next = 0;
            for place in places.iter_mut() {
                next += std::mem::replace(place, next);
            }
            for &packed in &self.packed {
                let place = &mut places[digit(packed, which)];
                self.spare[*place as usize] = packed;
                *place += 1;
            }
            std::mem::swap(&mut self.packed, &mut self.spare);
        }
    }

    /// Puts runs that agree in what was sorted by into the order of the whole keys.
    fn settle(&mut self) {
        let keys = &self.keys;
        for run in self.packed.chunk_by_mut(|a, b| a >> 32 == b >> 32).filter(|run| run.len() > 1) {
            run.sort_unstable_by_key(|&packed| {
                let position = packed as u32;
                (keys.get(position as usize).copied().unwrap_or_default(), position)
            });
        }
    }
}

/// A key that ascends where `number` descends.
fn descending(number: f64) -> u64 {
    // A negative zero is the same number as zero.
    let bits = (number + 0.0).to_bits();
    // Negative numbers descend by their bits already; positive ones come before them.
    if bits >> 63 == 0 { !bits & (u64::MAX >> 1) } else { bits }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn ranked(numbers: &[f64], wanted: usize) -> Vec<u32> {
        let mut ranking = Ranking::default();
        ranking.sort(numbers.iter().copied(), wanted);
        ranking.order().collect()
    }

    /// The definition: a stable sort by the numbers themselves.
    fn defined(numbers: &[f64], wanted: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
        order.sort_by(|&a, &b| numbers[b as usize].partial_cmp(&numbers[a as usize]).unwrap());
        order.truncate(wanted);
        order
    }

    #[test]
    fn descending_with_ties_by_position() {
        assert_eq!(ranked(&[1.0, 3.0, 2.0, 3.0, -1.0, 0.0, -0.0, -2.0], 99), [1, 3, 2, 0, 5, 6, 4, 7]);
        assert_eq!(ranked(&[], 5), [0; 0]);
        assert_eq!(ranked(&[2.0], 5), [0]);
        assert_eq!(ranked(&[2.0, 4.0], 0), [0; 0]);
        assert_eq!(ranked(&[0.5, f64::INFINITY, 1e-308, f64::MAX], 2), [1, 3]);
    }

    #[test]
    fn numbers_that_differ_in_their_last_bit() {
        let next = |number: f64| f64::from_bits(number.to_bits() + 1);
        let near: Vec<f64> = (0..1000).map(|i| f64::from_bits(1.0_f64.to_bits() + (i * 7919) % 13)).collect();
        assert_eq!(ranked(&near, 1000), defined(&near, 1000));
        assert_eq!(ranked(&near, 500), defined(&near, 500));
        assert_eq!(ranked(&[1.0, next(1.0)], 1), [1]);
        assert_eq!(ranked(&[-1.0, next(-1.0)], 2), [0, 1]);
    }

    #[test]
    fn random_numbers_of_every_size_as_a_stable_sort() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for size in [2, 3, 17, 100, 1023, 1024, 1025, 3000] {
            for wanted in [1, size / 2, size - 1, size] {
                let wide: Vec<f64> = (0..size).map(|_| random.random::<f64>().powi(9) * 1e4 + 1e-6).collect();
                assert_eq!(ranked(&wide, wanted), defined(&wide, wanted));
                let few: Vec<f64> = (0..size).map(|_| f64::from(random.random_range(-3..4))).collect();
                assert_eq!(ranked(&few, wanted), defined(&few, wanted));
            }
        }
    }
}
