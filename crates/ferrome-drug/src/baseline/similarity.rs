use std::cmp::Ordering;

use hashbrown::HashMap;
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
    let index = KmerIndex::new(references, k);
    sequences.par_iter().flat_map_iter(|sequence| index.row(sequence)).collect()
}

/// Which references have a piece, and how often: a sequence is compared only with those that share something with it.
#[derive(Clone, Debug)]
pub(crate) struct KmerIndex {
    k: usize,
    having: HashMap<Vec<u8>, Vec<(usize, f64)>>,
    /// The root of the sum of the squares of each reference's counts.
    lengths: Vec<f64>,
}

impl KmerIndex {
    pub(crate) fn new(references: &[&[u8]], k: usize) -> Self {
        let mut having: HashMap<Vec<u8>, Vec<(usize, f64)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(references.len());
        for (place, reference) in references.iter().enumerate() {
            let counts = counts(reference, k);
            lengths.push(length(&counts));
            for (piece, count) in counts {
                having.entry(piece).or_default().push((place, count));
            }
        }
        Self { k, having, lengths }
    }

    /// How alike a sequence is to each reference.
    pub(crate) fn row(&self, sequence: &[u8]) -> Vec<f32> {
        let counts = counts(sequence, self.k);
        let length = length(&counts);
        // Whole numbers: the order in which they are added does not matter.
        let mut dots = vec![0.0; self.lengths.len()];
        for (piece, count) in &counts {
            for &(place, other) in self.having.get(piece).into_iter().flatten() {
                dots[place] += count * other;
            }
        }
        let cosine = |(dot, other): (f64, &f64)| if dot > 0.0 { (dot / (length * other)) as f32 } else { 0.0 };
        dots.into_iter().zip(&self.lengths).map(cosine).collect()
    }
}

/// How often each piece of `k` residues is there, case aside.
fn counts(sequence: &[u8], k: usize) -> HashMap<Vec<u8>, f64> {
    let sequence = sequence.to_ascii_uppercase();
    let mut counts = HashMap::new();
    for piece in sequence.windows(k.max(1)) {
        *counts.entry_ref(piece).or_insert(0.0) += 1.0;
    }
    counts
}

fn length(counts: &HashMap<Vec<u8>, f64>) -> f64 {
    counts.values().map(|count| count * count).sum::<f64>().sqrt()
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
