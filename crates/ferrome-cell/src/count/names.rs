//! Names as numbers: barcodes, genes and rare UMIs are stored once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::bases;

/// Distinct names in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names that are barcodes, with or without `-1`: found without a look at the texts.
    barcodes: HashMap<u64, u32>,
    /// All others.
    others: HashTable<u32>,
    hasher: DefaultHashBuilder,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    last: u32,
    last_barcode: u64,
}

impl Names {
    /// The number of distinct names.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of a name, a new one if it was not seen before; neighbouring reads often share theirs.
    #[inline]
    pub(super) fn number(&mut self, name: &[u8]) -> u32 {
        match barcode(name) {
            Some(barcode) if barcode == self.last_barcode => {}
            Some(barcode) => {
                self.last = self.of_barcode(barcode, name);
                self.last_barcode = barcode;
            }
            None if !self.ends.is_empty() && self.text(self.last) == name => {}
            None => {
                self.last = self.of_other(name);
                self.last_barcode = 0;
            }
        }
        self.last
    }

    fn of_barcode(&mut self, barcode: u64, name: &[u8]) -> u32 {
        let next = self.ends.len() as u32;
        let number = *self.barcodes.entry(barcode).or_insert(next);
        if number == next {
            self.store(name);
        }
        number
    }

    fn of_other(&mut self, name: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(name);
        let same = |&number: &u32| text(&self.bytes, &self.ends, number) == name;
        if let Some(number) = self.others.find(hash, same) {
            return *number;
        }
        let number = self.ends.len() as u32;
        self.store(name);
        let Self { others, hasher, bytes, ends, .. } = self;
        others.insert_unique(hash, number, |&number| hasher.hash_one(text(bytes, ends, number)));
        number
    }

    fn store(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
    }

    /// The name of a number that was given.
    #[inline]
    pub(super) fn text(&self, number: u32) -> &[u8] {
        text(&self.bytes, &self.ends, number)
    }

    /// For each number, the place of its name in the order of bytes.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by_key(|&number| self.text(number));
        let mut ranks = vec![0; order.len()];
        for (rank, &number) in order.iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        ranks
    }
}

// Bases as a number; those before `-1` have the highest bit as well.
#[inline]
fn barcode(name: &[u8]) -> Option<u64> {
    match name.strip_suffix(b"-1") {
        Some(bare) => bases::pack(bare).map(|packed| packed | 1 << 63),
        None => bases::pack(name),
    }
}

#[inline]
fn text<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &bytes[start..ends[number]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_once_in_order_of_appearance() {
        let mut names = Names::default();
        let numbers: Vec<u32> =
            ["b", "a", "b", "", "a", "abc"].iter().map(|name| names.number(name.as_bytes())).collect();
        assert_eq!(numbers, [0, 1, 0, 2, 1, 3]);
        assert_eq!((names.len(), names.text(3)), (4, b"abc".as_slice()));
        assert_eq!(names.ranks(), [3, 1, 0, 2]);
    }

    #[test]
    fn barcodes_with_and_without_suffix_are_different_names() {
        let mut names = Names::default();
        let barcodes = ["ACGT", "ACGT-1", "ACGT-2", "ACGN", "", "-1", "ACGT-1", "ACGT", "-1", "A", "AA", "ACGN-1"];
        let numbers = barcodes.map(|name| names.number(name.as_bytes()));
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 1, 0, 5, 6, 7, 8]);
        assert!(barcodes.iter().zip(numbers).all(|(name, number)| names.text(number) == name.as_bytes()));
    }

    #[test]
    fn many_names_survive_growing() {
        let mut names = Names::default();
        for n in 0..10_000_u32 {
            assert_eq!(names.number(format!("name{n}").as_bytes()), n);
        }
        for n in (0..10_000_u32).rev() {
            assert_eq!(names.number(format!("name{n}").as_bytes()), n);
        }
    }
}
