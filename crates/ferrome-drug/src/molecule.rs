//! Molecules as RDKit reads them.
//!
//! [`Molecule`] is read from SMILES (or a mol block, see [`crate::read`]) and is what RDKit's `MolFromSmiles` makes of it:
//! explicit hydrogens are merged into their neighbours, nitro groups are charge-separated, aromaticity is RDKit's, and
//! what RDKit refuses is refused, with a reason. The chemistry comes from a library behind the trait [`MolSource`];
//! nothing else in this crate names that library, so that another can take its place.
//!
//! ```
//! use ferrome_drug::molecule::{MolSource, Molecule};
//!
//! let aspirin = Molecule::parse("CC(=O)OC1=CC=CC=C1C(=O)O")?;
//! assert_eq!(aspirin.canonical_smiles(), "CC(=O)Oc1ccccc1C(=O)O");
//! assert_eq!(aspirin.scaffold(), "c1ccccc1");
//! assert_eq!(aspirin.atoms().len(), 13);
//! assert_eq!(Molecule::parse("C()C").unwrap_err().to_string(), "position 3: expected an atom or a bond, found `)`");
//! # Ok::<(), ferrome_drug::molecule::Refusal>(())
//! ```

mod atom;
mod grammar;
mod perception;
mod refusal;
mod standardize;

pub use atom::{Atom, Bond, BondStereo, BondType, ChiralTag, Cip, Hybridization};
pub use grammar::MAX_ATOMS;
pub use perception::Chematic;
pub use refusal::{Refusal, RefusalKind};
pub use standardize::Standardize;

pub(crate) use perception::element_symbol;

/// The molecule of this crate: the one implementation of [`MolSource`] in use.
pub type Molecule = Chematic;

/// The bits of a Morgan fingerprint.
pub const FINGERPRINT_BITS: usize = 2048;

/// What this crate asks of chemistry. Atoms and bonds come in RDKit's order.
pub trait MolSource: Sized {
    /// Reads SMILES; a name or CXSMILES extension behind a blank is not read.
    ///
    /// # Errors
    ///
    /// What RDKit refuses, what is no plain molecule (query bonds), and what cannot be handled in bounded time.
    fn parse(smiles: &str) -> Result<Self, Refusal>;

    /// The number of atoms, hydrogens that were merged not among them.
    fn len(&self) -> usize;

    /// Whether there is no atom; never for what [`MolSource::parse`] gives.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[n]`: the atoms in input order, without what costs more to find (see [`MolSource::structure`]).
    fn atoms(&self) -> Vec<Atom>;

    /// `[n]` atoms and `[b]` bonds with everything that is known of them.
    ///
    /// # Errors
    ///
    /// More rings than are perceived in bounded time.
    fn structure(&self) -> Result<(Vec<Atom>, Vec<Bond>), Refusal>;

    /// The on-bits, ascending, of the Morgan fingerprint of radius 2 in 2,048 bits (ECFP4), as RDKit has them.
    ///
    /// # Errors
    ///
    /// The molecule has something that the fingerprint does not know (exotic coordination).
    fn ecfp4(&self) -> Result<Vec<u16>, Refusal>;

    /// The on-bits, ascending, of a fingerprint of radius 2 in 2,048 bits over pharmacophore classes of atoms (FCFP4).
    /// The classes are the library's own, not RDKit's.
    fn fcfp4(&self) -> Vec<u16>;

    /// The canonical SMILES: equal for equal molecules, however they were written.
    fn canonical_smiles(&self) -> String;

    /// The canonical SMILES of the Bemis-Murcko scaffold, without handedness; empty for a molecule without rings.
    fn scaffold(&self) -> String;

    /// Sizes, counts and estimates.
    fn descriptors(&self) -> Descriptors;

    /// The molecule that a standardisation makes of this one.
    ///
    /// # Errors
    ///
    /// What is left is no molecule.
    fn standardized(&self, how: Standardize) -> Result<Self, Refusal>;
}

/// Sizes, counts and estimates of a molecule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descriptors {
    /// Average molecular weight, in Da.
    pub molecular_weight: f64,
    /// Wildman-Crippen estimate of the octanol/water partition coefficient.
    pub logp: f64,
    /// Topological polar surface area, in square ångström.
    pub tpsa: f64,
    /// Hydrogen-bond donors.
    pub donors: u32,
    /// Hydrogen-bond acceptors.
    pub acceptors: u32,
    /// Rotatable bonds, RDKit's strict definition.
    pub rotatable_bonds: u32,
    /// Rings.
    pub rings: u32,
    /// Aromatic rings.
    pub aromatic_rings: u32,
    /// Quantitative estimate of drug-likeness, 0 to 1.
    pub qed: f64,
}
