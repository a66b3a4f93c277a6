use super::{MolGraph, eigen};

/// The largest molecule whose Laplacian is diagonalised; the positions of larger ones are zeros.
pub const MAX_LAPLACIAN_ATOMS: usize = 512;

/// Where each atom is in its molecule: `width` numbers for each of `n` atoms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Positions {
    /// `[n, width]`, row by row.
    pub values: Vec<f32>,
    /// The numbers of each atom.
    pub width: usize,
}

impl Positions {
    /// Random-walk positions: how probably a walk that goes to any neighbour with equal probability is back at its start
    /// after 1, 2, … `steps` steps (Dwivedi et al., Graph Neural Networks with Learnable Structural and Positional
    /// Representations, 2022). An atom without neighbours has zeros.
    #[must_use]
    pub fn random_walks(graph: &MolGraph, steps: usize) -> Self {
        let neighbours = graph.neighbours();
        let n = neighbours.len();
        let mut values = vec![0.0; n * steps];
        let root: Vec<f64> = neighbours.iter().map(|near| (near.len().max(1) as f64).sqrt().recip()).collect();
        // Symmetric with the roots of the degrees on both sides, and as likely to be back: what a walk of i + j steps is back
        // with is the product of where walks of i and of j steps are.
        let mut walks = vec![vec![0.0_f64; n]; steps.div_ceil(2) + 1];
        for start in 0..n {
            walks[0].fill(0.0);
            walks[0][start] = 1.0;
            for step in 1..walks.len() {
                let (before, after) = walks.split_at_mut(step);
                let (here, next) = (&before[step - 1], &mut after[0]);
                for ((next, near), own) in next.iter_mut().zip(&neighbours).zip(&root) {
                    *next = own * near.iter().map(|&from| here[from] * root[from]).sum::<f64>();
                }
            }
            for (step, value) in (1..).zip(&mut values[start * steps..(start + 1) * steps]) {
                let (one, other) = (&walks[step / 2], &walks[step - step / 2]);
                *value = one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() as f32;
            }
        }
        Self { values, width: steps }
    }

    /// Laplacian positions: for each of the `pairs` smallest eigenvalues of the symmetric normalised Laplacian, the
    /// eigenvalue and the atom's element of its vector of length 1, so that `width` is `2 * pairs`
    /// (Dwivedi and Bresson, A Generalization of Transformer Networks to Graphs, 2021).
    ///
    /// A vector's sign is arbitrary: training flips it at random. Pairs that a small molecule lacks are zeros, as are all
    /// of one with more than [`MAX_LAPLACIAN_ATOMS`] atoms.
    #[must_use]
    pub fn laplacian(graph: &MolGraph, pairs: usize) -> Self {
        let n = graph.atoms();
        let mut values = vec![0.0; n * pairs * 2];
        if n <= MAX_LAPLACIAN_ATOMS {
            let (eigenvalues, vectors) = eigen::symmetric(normalised_laplacian(graph), n);
            for (pair, (value, vector)) in eigenvalues.iter().zip(vectors.chunks(n.max(1))).take(pairs).enumerate() {
                for (atom, element) in vector.iter().enumerate() {
                    let at = (atom * pairs + pair) * 2;
                    values[at] = value.max(0.0) as f32;
                    values[at + 1] = *element as f32;
                }
            }
        }
        Self { values, width: pairs * 2 }
    }
}

/// `[n, n]`: 1 - D^-1/2 A D^-1/2; zero for an atom without neighbours.
fn normalised_laplacian(graph: &MolGraph) -> Vec<f64> {
    let neighbours = graph.neighbours();
    let n = neighbours.len();
    let degree = |atom: usize| neighbours[atom].len() as f64;
    let mut laplacian = vec![0.0; n * n];
    for (atom, list) in neighbours.iter().enumerate() {
        if !list.is_empty() {
            laplacian[atom * n + atom] = 1.0;
        }
        for &other in list {
            laplacian[atom * n + other] = -1.0 / (degree(atom) * degree(other)).sqrt();
        }
    }
    laplacian
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::molecule::{MolSource, Molecule};

    fn graph(smiles: &str) -> MolGraph {
        MolGraph::new(&Molecule::parse(smiles).unwrap()).unwrap()
    }

    #[test]
    fn walks_in_a_ring_of_six_return_as_counted_by_hand() {
        let walks = Positions::random_walks(&graph("c1ccccc1"), 6);
        let row = [0.0, 0.5, 0.0, 0.375, 0.0, 0.34375];
        assert!(walks.values.chunks(6).all(|found| found == row), "{:?}", walks.values);
    }

    #[test]
    fn lone_atoms_have_positions_of_zero() {
        assert_eq!(Positions::random_walks(&graph("[Na+].[Cl-]"), 3).values, [0.0; 6]);
        let laplacian = Positions::laplacian(&graph("C"), 2);
        assert_eq!((laplacian.values, laplacian.width), (vec![0.0, 1.0, 0.0, 0.0], 4));
    }

    #[test]
    fn laplacian_of_a_ring_has_the_known_spectrum() {
        let positions = Positions::laplacian(&graph("C1CCCCC1"), 6);
        let expected = [0.0, 0.5, 0.5, 1.5, 1.5, 2.0];
        for atom in positions.values.chunks(12) {
            for (pair, value) in atom.chunks(2).zip(expected) {
                assert!((pair[0] - value).abs() < 1e-6, "{pair:?} {value}");
            }
        }
        let squares: f32 = positions.values.chunks(12).map(|atom| atom[3] * atom[3]).sum();
        assert!((squares - 1.0).abs() < 1e-6);
    }
}
