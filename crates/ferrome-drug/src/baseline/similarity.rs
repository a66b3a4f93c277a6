use std::{cmp::Ordering, collections::BTreeMap};

use rayon::prelude::*;

use super::Matrix;

/// Tanimoto similarity of two fingerprints given by their on-bits, ascending: shared bits over all bits; 1 for two that are
/// both empty.
///
/// ```
/// assert_eq!(ferrome_drug::baseline::tanimoto(&[1, 5, 9], &[5, 9, 40]), 0.5);
/// ```
#[must_use]
pub fn tanimoto(one: &[u16], other: &[u16]) -> f64 {
    let (mut a, mut b, mut shared) = (one, other, 0);
    while let (Some(&x), Some(&y)) = (a.first(), b.first()) {
        shared += usize::from(x == y);
        let order = x.cmp(&y);
        if order != Ordering::Greater {
            a = &a[1..];
        }
        if order != Ordering::Less {
            b = &b[1..];
        }
    }
    let all = one.len() + other.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

/// Tanimoto similarities between all of some fingerprints: `[n, n]`.
#[must_use]
pub fn tanimoto_matrix(fingerprints: &[Vec<u16>]) -> Matrix {
    Matrix::symmetric(fingerprints.len(), |i| {
        fingerprints.iter().skip(i).map(|other| tanimoto(&fingerprints[i], other)).collect()
    })
}

/// How alike sequences are to references, `[sequences, references]` row by row: the cosine between their counts of pieces
/// of `k` residues, case aside. A sequence shorter than `k` is like none.
#[must_use]
pub fn kmer_similarities(sequences: &[&[u8]], references: &[&[u8]], k: usize) -> Vec<f32> {
    let count = |sequence: &&[u8]| Counts::of(sequence, k);
    let references: Vec<Counts> = references.par_iter().map(count).collect();
    let row = |sequence: &&[u8]| {
        let counts = count(sequence);
        references.iter().map(|reference| counts.cosine(reference)).collect::<Vec<_>>()
    };
    sequences.par_iter().flat_map_iter(row).collect()
}

/// Pieces in order, with their counts.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pieces: Vec<(Vec<u8>, f64)>,
    length: f64,
}

impl Counts {
    pub(crate) fn of(sequence: &[u8], k: usize) -> Self {
        let sequence = sequence.to_ascii_uppercase();
        let mut counts = BTreeMap::new();
        for piece in sequence.windows(k.max(1)) {
            *counts.entry(piece.to_vec()).or_insert(0.0) += 1.0;
        }
        let length = counts.values().map(|count| count * count).sum::<f64>().sqrt();
        Self { pieces: counts.into_iter().collect(), length }
    }

    pub(crate) fn cosine(&self, other: &Self) -> f32 {
        let (mut a, mut b, mut dot) = (self.pieces.as_slice(), other.pieces.as_slice(), 0.0);
        while let (Some((x, n)), Some((y, m))) = (a.first(), b.first()) {
            let order = x.cmp(y);
            if order == Ordering::Equal {
                dot += n * m;
            }
            if order != Ordering::Greater {
                a = &a[1..];
            }
            if order != Ordering::Less {
                b = &b[1..];
            }
        }
        if dot > 0.0 { (dot / (self.length * other.length)) as f32 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_without_bits() {
        assert_eq!((tanimoto(&[], &[]), tanimoto(&[], &[3]), tanimoto(&[3], &[3])), (1.0, 0.0, 1.0));
        assert_eq!(tanimoto_matrix(&[vec![1, 2], vec![2]]).values, [1.0, 0.5, 0.5, 1.0]);
    }

    #[test]
    fn pieces_are_counted_and_case_is_not() {
        let found = kmer_similarities(&[b"MKMKM", b"MK"], &[b"mkm", b"KMK", b"AAAA"], 3);
        // MKM twice, KMK once.
        let expected = [2.0 / 5.0_f32.sqrt(), 1.0 / 5.0_f32.sqrt(), 0.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6) && found.len() == 6, "{found:?}");
    }
}
