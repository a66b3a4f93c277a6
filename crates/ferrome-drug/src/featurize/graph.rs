use crate::molecule::{Atom, Bond, BondStereo, BondType, Cip, Hybridization, MolSource, Molecule, Refusal};

/// The features of an atom: element, degree, hydrogens, charge, hybridisation, aromatic, chirality, rings of 3 to 8.
pub const ATOM_FEATURES: usize = 13;

/// How many values each feature of an atom has: the rows of its embedding table.
pub const ATOM_SIZES: [usize; ATOM_FEATURES] = [119, 12, 10, 12, 8, 2, 3, 2, 2, 2, 2, 2, 2];

/// The features of a bond: type, conjugated, in a ring, stereo.
pub const BOND_FEATURES: usize = 4;

/// How many values each feature of a bond has: the rows of its embedding table.
pub const BOND_SIZES: [usize; BOND_FEATURES] = [5, 2, 2, 4];

/// One molecule as flat arrays: `n` atoms, `e` edges (every bond in both directions, one after the other).
///
/// No feature depends on how the molecule was written: handedness is that of Cahn, Ingold and Prelog. The order of atoms
/// does, and nothing that sums over neighbours sees it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MolGraph {
    /// `[n, ATOM_FEATURES]`, row by row: the value of each feature, less than its [`ATOM_SIZES`].
    pub atom_features: Vec<u8>,
    /// `[e]`: from and to which atom.
    pub edges: Vec<[u32; 2]>,
    /// `[e, BOND_FEATURES]`, row by row: the value of each feature, less than its [`BOND_SIZES`].
    pub bond_features: Vec<u8>,
}

impl MolGraph {
    /// The graph of a molecule.
    ///
    /// # Errors
    ///
    /// Those of [`MolSource::structure`].
    pub fn new(molecule: &Molecule) -> Result<Self, Refusal> {
        let (atoms, bonds) = molecule.structure()?;
        let mut graph = Self::default();
        graph.atom_features.reserve(atoms.len() * ATOM_FEATURES);
        for atom in &atoms {
            graph.atom_features.extend(atom_features(atom));
        }
        for bond in &bonds {
            let [from, to] = bond.atoms;
            for edge in [[from, to], [to, from]] {
                graph.edges.push(edge);
                graph.bond_features.extend(bond_features(bond));
            }
        }
        Ok(graph)
    }

    /// The number of atoms.
    #[must_use]
    pub fn atoms(&self) -> usize {
        self.atom_features.len() / ATOM_FEATURES
    }

    /// `[n]`: the neighbours of every atom.
    #[must_use]
    pub fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut neighbours = vec![Vec::new(); self.atoms()];
        for &[from, to] in &self.edges {
            if let Some(list) = neighbours.get_mut(from as usize) {
                list.push(to as usize);
            }
        }
        neighbours
    }
}

fn atom_features(atom: &Atom) -> [u8; ATOM_FEATURES] {
    let ring = |bit: u8| atom.ring_sizes >> bit & 1;
    let charge = match atom.charge {
        charge @ -5..=5 => (charge + 5) as u8,
        _ => 11,
    };
    let hybridization = match atom.hybridization {
        Hybridization::Other => 0,
        Hybridization::S => 1,
        Hybridization::Sp => 2,
        Hybridization::Sp2 => 3,
        Hybridization::Sp3 => 4,
        Hybridization::Sp3d => 5,
        Hybridization::Sp3d2 => 6,
        Hybridization::Sp2d => 7,
    };
    let chirality = match atom.cip {
        Cip::None => 0,
        Cip::R => 1,
        Cip::S => 2,
    };
    [
        atom.element.min(118),
        atom.degree.min(11),
        atom.total_hydrogens.min(9),
        charge,
        hybridization,
        u8::from(atom.aromatic),
        chirality,
        ring(0),
        ring(1),
        ring(2),
        ring(3),
        ring(4),
        ring(5),
    ]
}

fn bond_features(bond: &Bond) -> [u8; BOND_FEATURES] {
    let kind = match bond.kind {
        BondType::Single => 0,
        BondType::Double => 1,
        BondType::Triple => 2,
        BondType::Aromatic => 3,
        BondType::Other => 4,
    };
    let stereo = match bond.stereo {
        BondStereo::None => 0,
        BondStereo::Any => 1,
        BondStereo::Z => 2,
        BondStereo::E => 3,
    };
    [kind, u8::from(bond.conjugated), u8::from(bond.in_ring), stereo]
}

/// Several molecules one after the other, without padding: `g` graphs, `n` atoms and `e` edges in all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Packed {
    /// `[n, ATOM_FEATURES]`.
    pub atom_features: Vec<u8>,
    /// `[e]`: from and to which of the `n` atoms.
    pub edges: Vec<[u32; 2]>,
    /// `[e, BOND_FEATURES]`.
    pub bond_features: Vec<u8>,
    /// `[g + 1]`: where the atoms of each graph begin.
    pub starts: Vec<u32>,
}

impl Packed {
    /// Packs graphs in their order.
    #[must_use]
    pub fn new<'a>(graphs: impl IntoIterator<Item = &'a MolGraph>) -> Self {
        let mut packed = Self { starts: vec![0], ..Self::default() };
        let mut first = 0;
        for graph in graphs {
            packed.atom_features.extend_from_slice(&graph.atom_features);
            packed.bond_features.extend_from_slice(&graph.bond_features);
            packed.edges.extend(graph.edges.iter().map(|&[from, to]| [first + from, first + to]));
            first += graph.atoms() as u32;
            packed.starts.push(first);
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(smiles: &str) -> MolGraph {
        MolGraph::new(&Molecule::parse(smiles).unwrap()).unwrap()
    }

    #[test]
    fn every_feature_is_within_its_table() {
        for smiles in ["C", "*", "[U+6]", "[Fe-8]", "C[C@H](N)C(=O)O", "C/C=C/C", "[Pt](Cl)(Cl)(N)N", "FS(F)(F)(F)(F)F"]
        {
            let graph = graph(smiles);
            for row in graph.atom_features.chunks(ATOM_FEATURES) {
                assert!(
                    row.iter().zip(ATOM_SIZES).all(|(&value, size)| usize::from(value) < size),
                    "{smiles}: {row:?}"
                );
            }
            for row in graph.bond_features.chunks(BOND_FEATURES) {
                assert!(
                    row.iter().zip(BOND_SIZES).all(|(&value, size)| usize::from(value) < size),
                    "{smiles}: {row:?}"
                );
            }
        }
    }

    #[test]
    fn features_do_not_depend_on_the_spelling() {
        let rows = |smiles: &str| {
            let graph = graph(smiles);
            let mut atoms: Vec<_> = graph.atom_features.chunks(ATOM_FEATURES).map(<[u8]>::to_vec).collect();
            let mut bonds: Vec<_> = graph.bond_features.chunks(BOND_FEATURES).map(<[u8]>::to_vec).collect();
            atoms.sort();
            bonds.sort();
            (atoms, bonds)
        };
        for (one, other) in [
            ("C[C@H](N)C(=O)O", "OC(=O)[C@@H](N)C"),
            ("C[C@H](N)C(=O)O", "[C@@H](C)(N)C(O)=O"),
            ("C1=CC=CC=C1/C=C/C", "C/C=C/c1ccccc1"),
            ("[H]C([H])([H])O", "CO"),
            ("CN(=O)=O", "C[N+](=O)[O-]"),
        ] {
            assert_eq!(rows(one), rows(other), "{one} {other}");
        }
        assert_ne!(rows("C[C@H](N)C(=O)O"), rows("C[C@@H](N)C(=O)O"));
    }

    #[test]
    fn packed_graphs_keep_their_edges() {
        let (ethane, water) = (graph("CC"), graph("O"));
        let packed = Packed::new([&ethane, &water, &ethane]);
        assert_eq!(packed.starts, [0, 2, 3, 5]);
        assert_eq!(packed.edges, [[0, 1], [1, 0], [3, 4], [4, 3]]);
        assert_eq!(packed.atom_features.len(), 5 * ATOM_FEATURES);
    }
}
