/// An atom as RDKit describes it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Atom {
    /// Atomic number; 0 for `*`.
    pub element: u8,
    /// Hydrogens, those that are atoms of the graph not counted.
    pub total_hydrogens: u8,
    /// Formal charge.
    pub charge: i8,
    /// Whether it is aromatic.
    pub aromatic: bool,
    /// Whether it is in a ring.
    pub in_ring: bool,
    /// Neighbours in the graph.
    pub degree: u8,
    /// Bit `i` says that it is in a ring of `i + 3` atoms (3 to 8).
    pub ring_sizes: u8,
    /// Orbitals; [`Hybridization::Other`] until the structure is asked for.
    pub hybridization: Hybridization,
    /// Handedness as RDKit stores it: relative to the order of bonds, hence to the spelling.
    pub chiral_tag: ChiralTag,
    /// Handedness by the rules of Cahn, Ingold and Prelog, which does not depend on the spelling.
    pub cip: Cip,
}

/// The orbitals of an atom.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hybridization {
    /// Not known, or of no other kind.
    #[default]
    Other,
    /// s.
    S,
    /// sp.
    Sp,
    /// sp².
    Sp2,
    /// sp³.
    Sp3,
    /// sp³d.
    Sp3d,
    /// sp³d².
    Sp3d2,
    /// sp²d.
    Sp2d,
}

/// RDKit's chirality tags.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChiralTag {
    /// Not specified, or no centre.
    #[default]
    None,
    /// Tetrahedral, clockwise.
    Clockwise,
    /// Tetrahedral, counter-clockwise.
    CounterClockwise,
    /// Square planar, trigonal bipyramidal or octahedral.
    Other,
}

/// Cahn-Ingold-Prelog descriptors of tetrahedral centres.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Cip {
    /// Not specified, or no centre.
    #[default]
    None,
    /// R.
    R,
    /// S.
    S,
}

/// A bond as RDKit describes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bond {
    /// The two atoms, counted from 0.
    pub atoms: [u32; 2],
    /// Its type.
    pub kind: BondType,
    /// Whether it is conjugated.
    pub conjugated: bool,
    /// Whether it is in a ring.
    pub in_ring: bool,
    /// The arrangement about a double bond.
    pub stereo: BondStereo,
}

/// Types of bonds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BondType {
    /// Single.
    Single,
    /// Double.
    Double,
    /// Triple.
    Triple,
    /// Aromatic.
    Aromatic,
    /// Dative, quadruple.
    Other,
}

/// The arrangement about a double bond.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BondStereo {
    /// Not specified, or nothing to specify.
    None,
    /// Explicitly either.
    Any,
    /// Z.
    Z,
    /// E.
    E,
}
