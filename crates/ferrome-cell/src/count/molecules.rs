//! What was seen of every molecule: memory grows with distinct (gene, cell, UMI), not with reads.

use hashbrown::HashTable;

/// One (cell, UMI) of a gene, and its reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Molecule {
    /// Packed as [`super::umi::Umis`] does it.
    pub(super) umi: u64,
    /// The number of the barcode.
    pub(super) cell: u32,
    /// At most `u32::MAX`; more are not counted.
    pub(super) reads: u32,
}

/// A table of molecules for each gene: neighbouring reads of a sorted file look into the same small table.
#[derive(Debug, Default)]
pub(super) struct Molecules {
    genes: Vec<HashTable<Molecule>>,
}

impl Molecules {
    /// Counts a read.
    #[inline]
    pub(super) fn add(&mut self, gene: u32, cell: u32, umi: u64) {
        let gene = gene as usize;
        if gene >= self.genes.len() {
            self.genes.resize_with(gene + 1, HashTable::new);
        }
        let table = &mut self.genes[gene];
        let same = |molecule: &Molecule| molecule.umi == umi && molecule.cell == cell;
        if let Some(molecule) = table.find_mut(hash(cell, umi), same) {
            molecule.reads = molecule.reads.saturating_add(1);
            return;
        }
        let molecule = Molecule { umi, cell, reads: 1 };
        table.insert_unique(hash(cell, umi), molecule, |molecule| hash(molecule.cell, molecule.umi));
    }

    /// The molecules of each gene, by cell, then by UMI.
    pub(super) fn into_genes(self) -> Vec<HashTable<Molecule>> {
        self.genes
    }
}

/// The molecules of a table, by cell, then by UMI.
pub(super) fn sorted(table: HashTable<Molecule>) -> Vec<Molecule> {
    let mut molecules: Vec<Molecule> = table.into_iter().collect();
    molecules.sort_unstable_by_key(|molecule| (molecule.cell, molecule.umi));
    molecules
}

// The two halves of a product, which hold all of its factors' bits.
#[inline]
fn hash(cell: u32, umi: u64) -> u64 {
    let one = umi ^ 0x9e37_79b9_7f4a_7c15;
    let other = u64::from(cell) ^ 0xd6e8_feb8_6659_fd93;
    let product = u128::from(one.rotate_left(32) ^ other).wrapping_mul(0x2d35_8dcc_aa6c_78a5_8bb8_4b93_962e_acc9);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn molecule_has_sixteen_bytes() {
        assert_eq!(size_of::<Molecule>(), 16);
    }

    #[test]
    fn reads_of_a_molecule_are_counted_and_genes_kept_apart() {
        let mut molecules = Molecules::default();
        for (gene, cell, umi) in [(2, 1, 9), (0, 0, 9), (2, 1, 9), (2, 0, 9), (2, 0, 5)] {
            molecules.add(gene, cell, umi);
        }
        let genes: Vec<Vec<Molecule>> = molecules.into_genes().into_iter().map(sorted).collect();
        let molecule = |cell, umi, reads| Molecule { umi, cell, reads };
        assert_eq!(
            genes,
            [vec![molecule(0, 9, 1)], vec![], vec![molecule(0, 5, 1), molecule(0, 9, 1), molecule(1, 9, 2)]]
        );
    }

    #[test]
    fn hashes_of_near_keys_are_far_apart() {
        let mut seen = hashbrown::HashSet::new();
        for cell in 0..1000 {
            for umi in 0..100 {
                assert!(seen.insert(hash(cell, umi) & 0xffff_ffff_ffff));
            }
        }
    }
}
