/// Orders numbers descending, ties by position, as a stable sort of float64 would, but faster.
///
/// A number's bits become a key of 64 bits that ascends where the number descends. Its lowest bits make room for the
/// position, so that one sort of plain integers does almost everything; only where keys agree in all other bits, the whole
/// numbers are compared.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// Keys of the numbers, by position.
    keys: Vec<u64>,
    /// Upper bits of a key, and a position.
    packed: Vec<u64>,
    /// The bits that hold the position.
    mask: u64,
    wanted: usize,
}

impl Ranking {
    /// Ranks `numbers`, none of which is NaN; only the first `wanted` ranks need to be right.
    pub(super) fn sort(&mut self, numbers: impl Iterator<Item = f64>, wanted: usize) {
        self.keys.clear();
        self.keys.extend(numbers.map(descending));
        let count = self.keys.len();
        self.wanted = wanted.min(count);
        self.mask = count.next_power_of_two() as u64 - 1;
        let pack = |(position, key): (usize, &u64)| (key & !self.mask) | position as u64;
        self.packed.clear();
        self.packed.extend(self.keys.iter().enumerate().map(pack));
        if !(self.wanted < count && self.select()) {
            self.packed.sort_unstable();
            self.settle(count);
        }
    }

    /// The positions of the wanted numbers, by rank.
    pub(super) fn order(&self) -> impl Iterator<Item = u32> + '_ {
        self.packed.iter().take(self.wanted).map(|packed| (packed & self.mask) as u32)
    }

    /// Sorts the wanted numbers only; `false` where the last of them and the next one need a closer look.
    fn select(&mut self) -> bool {
        let (wanted, mask) = (self.wanted, self.mask);
        let (first, next, _) = self.packed.select_nth_unstable(wanted);
        first.sort_unstable();
        if first.last().is_some_and(|last| (last & !mask) == (*next & !mask)) {
            return false;
        }
        self.settle(wanted);
        true
    }

    /// Puts runs whose upper bits agree into the order of the whole numbers.
    fn settle(&mut self, sorted: usize) {
        let (keys, mask) = (&self.keys, self.mask);
        let Some(packed) = self.packed.get_mut(..sorted) else { return };
        for run in packed.chunk_by_mut(|a, b| (a & !mask) == (b & !mask)).filter(|run| run.len() > 1) {
            run.sort_unstable_by_key(|&packed| {
                let position = (packed & mask) as usize;
                (keys.get(position).copied().unwrap_or_default(), position)
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
