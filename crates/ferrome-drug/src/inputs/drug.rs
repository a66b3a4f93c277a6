use ferrome_core::fingerprint::Fingerprint;

use crate::checkpoint::{CheckpointConfig, FingerprintKind};
use crate::featurize::{ATOM_SIZES, BOND_SIZES, MolGraph, Positions};
use crate::molecule::{FINGERPRINT_BITS, MolSource, Molecule, Refusal};
use crate::{Error, Result};

/// Pairs of Laplacian eigenvalue and vector that an atom gets.
pub const LAPLACIAN_PAIRS: usize = 8;

/// What a model looks at in a molecule.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Inputs {
    graph: bool,
    random_walk_steps: usize,
    laplacian_pairs: usize,
    fingerprints: Vec<FingerprintKind>,
}

impl Inputs {
    /// What the model of `config` looks at.
    ///
    /// # Errors
    ///
    /// The model was made for other features of atoms and bonds.
    pub fn new(config: &CheckpointConfig) -> Result<Self> {
        let fingerprints = config.fingerprints.clone();
        let models = config.architectures();
        let Some(graph) = models.iter().find_map(|model| model.graph.as_ref()) else {
            return Ok(Self { fingerprints, ..Self::default() });
        };
        let features = [("node", &graph.node_sizes, &ATOM_SIZES[..]), ("edge", &graph.edge_sizes, &BOND_SIZES[..])];
        for (what, found, expected) in features {
            if !found.iter().zip(expected).all(|(&a, &b)| usize::try_from(a) == Ok(b)) || found.len() != expected.len()
            {
                return Err(Error::Model(format!("{what}_sizes are {found:?}, expected {expected:?}")));
            }
        }
        Ok(Self {
            graph: true,
            random_walk_steps: usize::try_from(graph.random_walk_steps).unwrap_or(0),
            laplacian_pairs: if graph.laplacian { LAPLACIAN_PAIRS } else { 0 },
            fingerprints,
        })
    }

    /// Whether the model looks at graphs.
    #[must_use]
    pub fn has_graphs(&self) -> bool {
        self.graph
    }
}

/// A molecule as a model looks at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drug {
    /// The graph with its random-walk and Laplacian positions.
    pub(super) graph: Option<(MolGraph, Positions, Positions)>,
    /// On-bits of all fingerprints, each counting on from the end of the one before.
    pub(super) fingerprint: Vec<u16>,
    ecfp4: Vec<u16>,
}

impl Drug {
    /// What `inputs` asks for. Where eigenvectors are, the graph is made from the canonical spelling, so that the order of atoms,
    /// by which the vectors of equal eigenvalues are chosen, does not depend on how the molecule was written. All else does not
    /// depend on it but for how sums are rounded.
    ///
    /// # Errors
    ///
    /// The molecule has more rings, or something else, than can be described.
    pub fn new(molecule: &Molecule, inputs: &Inputs) -> Result<Self, Refusal> {
        let (mut fingerprint, ecfp4) = (Vec::new(), molecule.ecfp4()?);
        for (first, kind) in (0_u16..).step_by(FINGERPRINT_BITS).zip(&inputs.fingerprints) {
            let bits = match kind {
                FingerprintKind::Ecfp4 => ecfp4.clone(),
                FingerprintKind::Fcfp4 => molecule.fcfp4(),
            };
            fingerprint.extend(bits.iter().map(|bit| bit + first));
        }
        Ok(Self { graph: inputs.graph.then(|| graph(molecule, inputs)).transpose()?, fingerprint, ecfp4 })
    }

    /// The on-bits of its ECFP4, whether the model looks at them or not.
    #[must_use]
    pub fn ecfp4(&self) -> &[u16] {
        &self.ecfp4
    }

    /// Equal for molecules that are the same to the model.
    #[must_use]
    pub fn identity(&self) -> u128 {
        let mut identity = Fingerprint::new();
        let mut push = |numbers: &[u16]| {
            identity.push(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
        };
        push(&self.fingerprint);
        push(&self.ecfp4);
        if let Some((graph, ..)) = &self.graph {
            identity.push(&graph.atom_features);
            identity.push(&graph.bond_features);
            identity.push(&graph.edges.iter().flatten().flat_map(|node| node.to_le_bytes()).collect::<Vec<_>>());
        }
        identity.finish()
    }

    /// On-bits of all fingerprints, each counting on from the end of the one before.
    #[must_use]
    pub fn fingerprint(&self) -> &[u16] {
        &self.fingerprint
    }

    /// Atoms of the graph; 0 where the model does not look at it.
    #[must_use]
    pub fn atoms(&self) -> usize {
        self.graph.as_ref().map_or(0, |(graph, ..)| graph.atoms())
    }
}

fn graph(molecule: &Molecule, inputs: &Inputs) -> Result<(MolGraph, Positions, Positions), Refusal> {
    let canonical = (inputs.laplacian_pairs > 0).then(|| Molecule::parse(&molecule.canonical_smiles()));
    // What cannot be read again is taken as it is.
    let graph = MolGraph::new(canonical.as_ref().and_then(|read| read.as_ref().ok()).unwrap_or(molecule))?;
    let positions = |width: usize, make: fn(&MolGraph, usize) -> Positions| match width {
        0 => Positions::default(),
        width => make(&graph, width),
    };
    let walks = positions(inputs.random_walk_steps, Positions::random_walks);
    let laplacian = positions(inputs.laplacian_pairs, Positions::laplacian);
    Ok((graph, walks, laplacian))
}
