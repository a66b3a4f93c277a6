//! What models eat: molecules as packed graphs, and positions in them.
//!
//! ```
//! use ferrome_drug::featurize::{ATOM_FEATURES, MolGraph, Positions};
//! use ferrome_drug::molecule::{MolSource, Molecule};
//!
//! let graph = MolGraph::new(&Molecule::parse("CC(=O)O")?)?;
//! assert_eq!((graph.atoms(), graph.edges.len()), (4, 6));
//! assert_eq!(graph.atom_features.len(), 4 * ATOM_FEATURES);
//! let walks = Positions::random_walks(&graph, 2);
//! assert_eq!(walks.values, [0.0, 1.0 / 3.0, 0.0, 1.0, 0.0, 1.0 / 3.0, 0.0, 1.0 / 3.0]);
//! # Ok::<(), ferrome_drug::molecule::Refusal>(())
//! ```

mod eigen;
mod graph;
mod positions;

pub use graph::{ATOM_FEATURES, ATOM_SIZES, BOND_FEATURES, BOND_SIZES, MolGraph, Packed};
pub use positions::{MAX_LAPLACIAN_ATOMS, Positions};
