use crate::checkpoint::TrainingMolecule;
use crate::molecule::FINGERPRINT_BITS;

/// A bit that one of so many molecules has is counted for all of them at once.
const COMMON: usize = 16;
/// Such bits, the most: their counts fit into a byte.
const MOST_COMMON: usize = 255;

/// Finds how alike a molecule is to the most similar one of a set. A list for each bit says which molecules have it, so that
/// only the few bits of a molecule cost anything.
#[derive(Debug)]
pub(super) struct Nearest {
    /// `[bits]`: the molecules that have each bit.
    having: Vec<Having>,
    /// `[molecules]`: how many bits each has.
    sizes: Vec<u16>,
}

#[derive(Debug)]
enum Having {
    /// These.
    Few(Vec<u32>),
    /// `[molecules]`: those with a 1.
    Many(Vec<u8>),
}

impl Nearest {
    pub(super) fn new(molecules: &[TrainingMolecule]) -> Self {
        let mut lists = vec![Vec::new(); FINGERPRINT_BITS];
        for (molecule, place) in molecules.iter().zip(0_u32..) {
            for &bit in &molecule.ecfp4 {
                if let Some(list) = lists.get_mut(usize::from(bit)) {
                    list.push(place);
                }
            }
        }
        let mut common = 0;
        let having = lists.into_iter().map(|list| {
            if list.len() * COMMON < molecules.len() || common == MOST_COMMON {
                return Having::Few(list);
            }
            common += 1;
            let mut flags = vec![0; molecules.len()];
            list.iter().for_each(|&molecule| flags[molecule as usize] = 1);
            Having::Many(flags)
        });
        Self { having: having.collect(), sizes: molecules.iter().map(|molecule| molecule.ecfp4.len() as u16).collect() }
    }

    /// The largest Tanimoto similarity; 0 where there is nothing to compare with.
    pub(super) fn tanimoto(&self, bits: &[u16]) -> f32 {
        let mut few = vec![0_u16; self.sizes.len()];
        let mut many = vec![0_u8; self.sizes.len()];
        for having in bits.iter().filter_map(|&bit| self.having.get(usize::from(bit))) {
            match having {
                Having::Few(list) => list.iter().for_each(|&molecule| few[molecule as usize] += 1),
                Having::Many(flags) => many.iter_mut().zip(flags).for_each(|(count, flag)| *count += flag),
            }
        }
        let own = bits.len() as f32;
        let mut largest = 0.0_f32;
        for ((&few, &many), &size) in few.iter().zip(&many).zip(&self.sizes) {
            let both = f32::from(few + u16::from(many));
            // Two molecules without bits are alike: 0 of 0.
            let all = own + f32::from(size) - both;
            let similarity = if all > 0.0 { both / all } else { 1.0 };
            largest = if similarity > largest { similarity } else { largest };
        }
        largest
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
