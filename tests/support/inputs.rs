//! Proteins made up by a small generator, so that tests need no data from outside.

const LETTERS: &[u8; 20] = b"ACDEFGHIKLMNPQRSTVWY";

/// Numerical Recipes' generator; its high bits are good enough for this.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from 0 to `below - 1`.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1 << 24) as f64 / f64::from(1 << 24)
    }

    /// A sequence of the twenty letters.
    pub(crate) fn protein(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }
}

/// `count` proteins of 20 to 320 residues with ids `p0`, `p1`, …; every 17th repeats an earlier one, and every 101st has
/// a letter that no model knows.
pub(crate) fn proteins(count: usize) -> Vec<(String, String)> {
    let mut random = Random(7);
    let mut proteins: Vec<(String, String)> = Vec::with_capacity(count);
    for n in 0..count {
        let length = 20 + random.below(301);
        let sequence = match n {
            n if n % 17 == 16 => proteins[random.below(n)].1.clone(),
            n if n % 101 == 100 => format!("{}J", random.protein(length)),
            _ => random.protein(length),
        };
        proteins.push((format!("p{n}"), sequence));
    }
    proteins
}
