use crate::checkpoint::TrainingMolecule;
use crate::molecule::FINGERPRINT_BITS;

/// Finds how alike a molecule is to the most similar one of a set. A list for each bit says which molecules have it, so that
/// only the few bits of a molecule cost anything.
#[derive(Debug)]
pub(super) struct Nearest {
    /// `[bits]`: the molecules that have each bit.
    having: Vec<Vec<u32>>,
    /// `[molecules]`: how many bits each has.
    sizes: Vec<u16>,
}

impl Nearest {
    pub(super) fn new(molecules: &[TrainingMolecule]) -> Self {
        let mut having = vec![Vec::new(); FINGERPRINT_BITS];
        for (molecule, place) in molecules.iter().zip(0_u32..) {
            for &bit in &molecule.ecfp4 {
                if let Some(list) = having.get_mut(usize::from(bit)) {
                    list.push(place);
                }
            }
        }
        Self { having, sizes: molecules.iter().map(|molecule| molecule.ecfp4.len() as u16).collect() }
    }

    /// The largest Tanimoto similarity; 0 where there is nothing to compare with.
    pub(super) fn tanimoto(&self, bits: &[u16]) -> f32 {
        let mut shared = vec![0_u16; self.sizes.len()];
        for list in bits.iter().filter_map(|&bit| self.having.get(usize::from(bit))) {
            for &molecule in list {
                if let Some(count) = shared.get_mut(molecule as usize) {
                    *count += 1;
                }
            }
        }
        let own = bits.len() as f32;
        let similarities = shared.iter().zip(&self.sizes).map(|(&shared, &size)| {
            let both = f32::from(shared);
            // Two molecules without bits are alike: 0 of 0.
            let all = own + f32::from(size) - both;
            if all > 0.0 { both / all } else { 1.0 }
        });
        similarities.fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tanimoto;

    #[test]
    fn largest_similarity_is_found() {
        let molecules: Vec<TrainingMolecule> = (1..200_u16)
            .map(|i| TrainingMolecule {
                ecfp4: (0..2048).filter(|bit| (bit * 31 + i * 17) % (i % 40 + 20) == 0).collect(),
                ..TrainingMolecule::default()
            })
            .collect();
        let nearest = Nearest::new(&molecules);
        for query in [vec![], vec![5], (0..2048).step_by(37).collect::<Vec<u16>>(), molecules[3].ecfp4.clone()] {
            let expected =
                molecules.iter().map(|molecule| tanimoto(&molecule.ecfp4, &query) as f32).fold(0.0, f32::max);
            assert!((nearest.tanimoto(&query) - expected).abs() < 1e-6);
        }
        assert_eq!(Nearest::new(&[]).tanimoto(&[1]), 0.0);
    }
}
