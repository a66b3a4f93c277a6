//! Atoms and bonds as the rest of the crate wants them.

use std::borrow::Cow;

use chematic::core::{Chirality, Molecule as Graph};
use chematic::perception::{apply_aromaticity_rdkit_parity_shared, ring_atom_flags};
use chematic::smiles::{self, RdkitMolView, RdkitViewBond};

use super::super::{Atom, Bond, BondStereo, BondType, ChiralTag, Cip, Hybridization, Refusal};
use super::verdict;

/// The graph with RDKit's aromaticity.
pub(super) fn aromatic_view(graph: &Graph) -> Cow<'_, Graph> {
    match apply_aromaticity_rdkit_parity_shared(graph).as_ref() {
        Ok(view) => Cow::Owned(view.clone()),
        Err(_) => Cow::Borrowed(graph),
    }
}

/// `[n]`: what every table of atoms shows.
pub(super) fn atoms(graph: &Graph) -> Vec<Atom> {
    let shared = apply_aromaticity_rdkit_parity_shared(graph);
    let view = shared.as_ref().as_ref().unwrap_or(graph);
    let rings = ring_atom_flags(graph);
    graph
        .atoms()
        .map(|(index, atom)| Atom {
            element: if atom.wildcard { 0 } else { atom.element.atomic_number() },
            total_hydrogens: graph.implicit_hydrogen_count(index),
            charge: view.atom(index).charge,
            aromatic: view.atom(index).aromatic,
            in_ring: rings.get(index.0 as usize).copied().unwrap_or_default(),
            degree: u8::try_from(graph.degree(index)).unwrap_or(u8::MAX),
            chiral_tag: match atom.chirality {
                Chirality::None => ChiralTag::None,
                Chirality::Clockwise => ChiralTag::Clockwise,
                Chirality::CounterClockwise => ChiralTag::CounterClockwise,
                _ => ChiralTag::Other,
            },
            ..Atom::default()
        })
        .collect()
}

/// `[n]` atoms and `[b]` bonds with all that RDKit perceives.
pub(super) fn structure(graph: &Graph) -> Result<(Vec<Atom>, Vec<Bond>), Refusal> {
    let view = smiles::rdkit_mol_view(graph).map_err(|error| verdict::refused(&error))?;
    let stereo = smiles::rdkit_legacy_stereo(graph).ok();
    let sizes = ring_sizes(&view);
    let atoms = view.atoms.iter().enumerate().map(|(index, atom)| Atom {
        element: u8::try_from(atom.atomic_num).unwrap_or_default(),
        total_hydrogens: u8::try_from(atom.total_num_hs).unwrap_or(u8::MAX),
        charge: atom.formal_charge.clamp(i8::MIN.into(), i8::MAX.into()) as i8,
        aromatic: atom.is_aromatic,
        in_ring: sizes.get(index).is_some_and(|&(any, _)| any),
        degree: u8::try_from(view.degree(index)).unwrap_or(u8::MAX),
        ring_sizes: sizes.get(index).map_or(0, |&(_, sizes)| sizes),
        hybridization: hybridization(atom.hybridization),
        chiral_tag: chiral_tag(atom.chiral_tag),
        cip: stereo.as_ref().map_or(Cip::None, |stereo| cip(stereo.atom_cip.get(index).copied().flatten())),
    });
    let in_ring = bonds_in_rings(&view);
    let bonds = view.bonds.iter().zip(in_ring).map(|(found, in_ring)| bond(found, in_ring));
    Ok((atoms.collect(), bonds.collect()))
}

/// Per atom: whether it is in a ring, and the sizes of its rings as [`Atom::ring_sizes`] has them.
fn ring_sizes(view: &RdkitMolView) -> Vec<(bool, u8)> {
    let mut sizes = vec![(false, 0_u8); view.num_atoms()];
    for ring in &view.atom_rings {
        let bit = if (3..=8).contains(&ring.len()) { 1 << (ring.len() - 3) } else { 0 };
        for &atom in ring {
            if let Some((any, bits)) = sizes.get_mut(atom) {
                *any = true;
                *bits |= bit;
            }
        }
    }
    sizes
}

fn bonds_in_rings(view: &RdkitMolView) -> Vec<bool> {
    let mut found = vec![false; view.num_bonds()];
    for &bond in view.bond_rings.iter().flatten() {
        if let Some(flag) = found.get_mut(bond) {
            *flag = true;
        }
    }
    found
}

fn bond(bond: &RdkitViewBond, in_ring: bool) -> Bond {
    let kind = match bond.bond_type {
        _ if bond.is_aromatic => BondType::Aromatic,
        1 => BondType::Single,
        2 => BondType::Double,
        3 => BondType::Triple,
        12 => BondType::Aromatic,
        _ => BondType::Other,
    };
    let stereo = match bond.stereo {
        1 => BondStereo::Any,
        2 => BondStereo::Z,
        3 => BondStereo::E,
        _ => BondStereo::None,
    };
    Bond { atoms: [bond.begin as u32, bond.end as u32], kind, conjugated: bond.is_conjugated, in_ring, stereo }
}

fn hybridization(code: u8) -> Hybridization {
    match code {
        1 => Hybridization::S,
        2 => Hybridization::Sp,
        3 => Hybridization::Sp2,
        4 => Hybridization::Sp3,
        5 => Hybridization::Sp3d,
        6 => Hybridization::Sp3d2,
        7 => Hybridization::Sp2d,
        _ => Hybridization::Other,
    }
}

fn chiral_tag(code: u8) -> ChiralTag {
    match code {
        0 => ChiralTag::None,
        1 => ChiralTag::Clockwise,
        2 => ChiralTag::CounterClockwise,
        _ => ChiralTag::Other,
    }
}

fn cip(code: Option<u8>) -> Cip {
    match code {
        Some(b'R') => Cip::R,
        Some(b'S') => Cip::S,
        _ => Cip::None,
    }
}
