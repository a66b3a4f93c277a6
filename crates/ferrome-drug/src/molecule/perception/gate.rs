//! Which molecules need the port of RDKit's sanitisation, and which are refused for their size.

use std::sync::Arc;

use chematic::core::{Atom, AtomIdx, BondOrder, DerivedSlot, Molecule as Graph, implicit_hcount, kekulize};
use chematic::perception::{AromaticityError, rdkit_model_may_disagree};

use super::sextet;

use super::super::{MAX_ATOMS, Refusal, RefusalKind};

/// The most independent rings of a molecule: what is perceived grows much faster with rings than with atoms.
const MAX_RINGS: usize = 300;

/// Refuses what cannot be handled in bounded time.
pub(super) fn bounded(graph: &Graph) -> Result<(), Refusal> {
    let atoms = graph.atom_count();
    if atoms > MAX_ATOMS {
        return Err(Refusal::new(RefusalKind::Size, format!("{atoms} atoms, more than {MAX_ATOMS}")));
    }
    let rings = (graph.bond_count() + 1).saturating_sub(atoms);
    if rings > MAX_RINGS {
        return Err(Refusal::new(RefusalKind::Size, format!("at least {rings} rings, more than {MAX_RINGS}")));
    }
    Ok(())
}

/// Whether the parser's graph is RDKit's, up to aromaticity, and RDKit accepts it.
pub(super) fn is_ordinary(graph: &Graph) -> bool {
    graph.atoms().all(|(index, atom)| is_ordinary_atom(graph, index, atom))
        && !rdkit_model_may_disagree(graph)
        && keeps_its_aromaticity(graph)
}

/// Whether atoms that are written as aromatic can have alternating bonds, and are aromatic beyond doubt.
fn keeps_its_aromaticity(graph: &Graph) -> bool {
    if !graph.atoms().any(|(_, atom)| atom.aromatic) {
        return true;
    }
    if kekulize(graph).is_err() || !sextet::cover(graph) {
        return false;
    }
    if !sextet::may_grow(graph) {
        let view = Arc::new(Ok::<_, AromaticityError>(graph.clone()));
        graph.seed_derived(DerivedSlot::RdkitParityAromatic, view);
    }
    true
}

/// Whether an atom has one of the few valences about which there is no doubt.
fn is_ordinary_atom(graph: &Graph, index: AtomIdx, atom: &Atom) -> bool {
    if atom.wildcard {
        return false;
    }
    let hydrogens = implicit_hcount(graph, index);
    // Rings of nothing but such atoms may be aromatic, however odd that is.
    let hetero = |atom: &Atom| matches!(atom.element.atomic_number(), 7 | 8 | 16);
    if hetero(atom)
        && graph.neighbors(index).filter(|&(other, _)| hetero(graph.atom(other))).count() > 1
        && !atom.aromatic
    {
        return false;
    }
    if atom.aromatic {
        return is_ordinary_aromatic(graph, index, atom, hydrogens);
    }
    let bonds = graph.neighbors(index).try_fold(0_u8, |sum, (_, bond)| match graph.bond(bond).order {
        BondOrder::Single | BondOrder::Up | BondOrder::Down => Some(sum.saturating_add(1)),
        BondOrder::Double => Some(sum.saturating_add(2)),
        BondOrder::Triple => Some(sum.saturating_add(3)),
        _ => None,
    });
    let Some(bonds) = bonds else { return false };
    let valence = bonds.saturating_add(hydrogens);
    let single = usize::from(bonds) == graph.degree(index);
    match (atom.element.atomic_number(), atom.charge) {
        (6 | 14, 0) | (7, 1) => valence == 4,
        (5 | 7, 0) | (8 | 16, 1) => valence == 3,
        (8, 0) | (7, -1) => valence == 2,
        (9 | 17 | 35 | 53, 0) | (8 | 16, -1) => valence == 1,
        (9 | 17 | 35 | 53, -1) => valence == 0,
        (15, 0) => (valence == 5 && graph.degree(index) == 4) || (valence == 3 && single),
        (16, 0) => matches!(valence, 2 | 4 | 6),
        _ => false,
    }
}

/// Aromatic carbon, nitrogen, oxygen and sulfur with as many neighbours as a ring leaves them.
fn is_ordinary_aromatic(graph: &Graph, index: AtomIdx, atom: &Atom, hydrogens: u8) -> bool {
    let neighbours = graph.degree(index) + usize::from(hydrogens);
    let all = |allowed: fn(BondOrder) -> bool| graph.neighbors(index).all(|(_, bond)| allowed(graph.bond(bond).order));
    let single =
        all(|order| matches!(order, BondOrder::Single | BondOrder::Aromatic | BondOrder::Up | BondOrder::Down));
    match (atom.element.atomic_number(), atom.charge) {
        (6, 0) => neighbours == 3 && all(|order| order != BondOrder::Triple),
        (7, 0) => single && (neighbours == 2 || neighbours == 3),
        (7, 1) => single && neighbours == 3,
        (8 | 16, 0) => single && neighbours == 2,
        _ => false,
    }
}

/// The part with the most atoms, hydrogens counted, as RDKit chooses; of equals the heaviest, then the first.
pub(super) fn largest_fragment(graph: &Graph) -> Graph {
    let mut best: Option<(usize, f64, Graph)> = None;
    for part in graph.fragments() {
        let weight = chematic::chem::rdkit_molecular_weight(&part);
        let hydrogens = part.atoms().map(|(index, _)| usize::from(implicit_hcount(&part, index))).sum::<usize>();
        let size = part.atom_count() + hydrogens;
        if best.as_ref().is_none_or(|(most, heaviest, _)| size > *most || (size == *most && weight > *heaviest)) {
            best = Some((size, weight, part));
        }
    }
    best.map_or_else(|| graph.clone(), |(_, _, part)| part)
}
