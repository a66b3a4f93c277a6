//! UMIs as numbers: two bits a base behind a leading one where that fits, an entry in a list where it does not.

use super::bases::{length, pack, unpack};
use super::names::Names;

/// Marks a UMI that is longer than 31 bases or has another letter than A, C, G and T: the rest is its place in a list.
const LISTED: u64 = 1 << 63;

/// The low bit of every base.
const LOW: u64 = 0x5555_5555_5555_5555;

/// All UMIs of a run that do not fit into two bits a base.
#[derive(Debug, Default)]
pub(super) struct Umis {
    listed: Names,
}

impl Umis {
    /// The number that stands for a UMI; equal text, equal number.
    #[inline]
    pub(super) fn number(&mut self, text: &[u8]) -> u64 {
        pack(text).unwrap_or_else(|| LISTED | u64::from(self.listed.number(text)))
    }

    /// The text of a UMI.
    pub(super) fn text(&self, umi: u64) -> Vec<u8> {
        if is_packed(umi) { unpack(umi) } else { self.listed.text((umi & !LISTED) as u32).to_vec() }
    }
}

/// Whether the number itself holds the bases.
pub(super) fn is_packed(umi: u64) -> bool {
    umi & LISTED == 0
}

/// Whether two packed UMIs have the same length and differ in one base.
#[inline]
pub(super) fn is_one_apart(a: u64, b: u64) -> bool {
    let bits = a ^ b;
    let bases = (bits | (bits >> 1)) & LOW;
    bases != 0 && bases & (bases - 1) == 0 && a.leading_zeros() == b.leading_zeros()
}

/// The packed UMIs that differ in one base.
pub(super) fn one_apart(umi: u64) -> impl Iterator<Item = u64> {
    (0..length(umi)).flat_map(move |base| (1..4).map(move |other| umi ^ (other << (2 * base))))
}

/// Whether a packed UMI is one base repeated.
pub(super) fn is_homopolymer(umi: u64) -> bool {
    let bases = umi & !(1 << (2 * length(umi)));
    let one = LOW & ((1 << (2 * length(umi))) - 1);
    bases == one * (bases & 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &str) -> u64 {
        pack(text.as_bytes()).unwrap()
    }

    #[test]
    fn text_comes_back() {
        let mut umis = Umis::default();
        let long = "ACGT".repeat(8);
        for text in ["", "A", "T", "ACGT", "AAAA", "TTTTTTTTTTTT", "ANGT", "acgt", long.as_str(), &long[..31]] {
            let umi = umis.number(text.as_bytes());
            assert_eq!(umis.text(umi), text.as_bytes());
            assert_eq!(umis.number(text.as_bytes()), umi);
            assert_eq!(is_packed(umi), !text.contains(['N', 'a']) && text.len() < 32, "{text}");
        }
    }

    #[test]
    fn one_base_apart_is_hamming_distance_one() {
        let texts = ["A", "C", "AA", "AC", "CA", "TT", "AAA", "AAC", "CAA", "AAG", "TTT", "GTT", "GAT"];
        for a in texts {
            for b in texts {
                let differ = a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
                let expected = a.len() == b.len() && differ == 1;
                assert_eq!(is_one_apart(packed(a), packed(b)), expected, "{a} {b}");
                assert_eq!(one_apart(packed(a)).any(|other| other == packed(b)), expected, "{a} {b}");
            }
        }
    }

    #[test]
    fn homopolymers_are_seen() {
        for text in ["AAAA", "CCCCC", "GG", "T", "TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT"] {
            assert!(is_homopolymer(packed(text)), "{text}");
        }
        for text in ["AAAC", "CAAA", "GT", "TTAT"] {
            assert!(!is_homopolymer(packed(text)), "{text}");
        }
    }
}
