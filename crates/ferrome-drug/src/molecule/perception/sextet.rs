//! Aromatic atoms about which there is no doubt: every aromatic bond is in a ring of five or six with six electrons, or
//! in a pair of such rings with ten.

use chematic::core::{Atom, AtomIdx, BondIdx, BondOrder, Molecule as Graph, implicit_hcount};

/// Whether all that is written as aromatic is beyond doubt.
pub(super) fn cover(graph: &Graph) -> bool {
    let mut covered = vec![false; graph.bond_count()];
    let mut doubtful = Vec::new();
    for (index, bond) in graph.bonds() {
        if bond.order != BondOrder::Aromatic {
            // A bond between aromatic rings is single.
            let between = graph.atom(bond.atom1).aromatic && graph.atom(bond.atom2).aromatic;
            if between && bond.order != BondOrder::Single {
                return false;
            }
            continue;
        }
        if !covered[index.0 as usize] && !search(graph, index, &mut covered) {
            doubtful.push(index);
        }
    }
    doubtful.into_iter().all(|bond| covered[bond.0 as usize] || is_pair(graph, bond, &mut covered))
}

/// Looks for a ring with six electrons through a bond, and marks its bonds.
fn search(graph: &Graph, bond: BondIdx, covered: &mut [bool]) -> bool {
    let entry = graph.bond(bond);
    let mut path = Path { atoms: [AtomIdx(0); 6], bonds: [BondIdx(0); 6], length: 1 };
    path.atoms[0] = entry.atom1;
    path.bonds[0] = bond;
    let found = path.extend(graph, entry.atom2, entry.atom1);
    if found {
        for bond in &path.bonds[..path.length] {
            covered[bond.0 as usize] = true;
        }
    }
    found
}

/// A walk along aromatic bonds.
struct Path {
    atoms: [AtomIdx; 6],
    bonds: [BondIdx; 6],
    length: usize,
}

impl Path {
    /// Goes on to `next`, and from there until the walk is a ring of five or six with six electrons.
    fn extend(&mut self, graph: &Graph, next: AtomIdx, home: AtomIdx) -> bool {
        if self.length == self.atoms.len() || self.atoms[..self.length].contains(&next) {
            return false;
        }
        self.atoms[self.length] = next;
        self.length += 1;
        for &(neighbour, bond) in graph.neighbor_slice(next) {
            if graph.bond(bond).order != BondOrder::Aromatic || self.bonds[self.length - 2] == bond {
                continue;
            }
            self.bonds[self.length - 1] = bond;
            let closes = neighbour == home;
            if closes && self.length >= 5 && self.electrons(graph) == Some(6) {
                return true;
            }
            if !closes && self.extend(graph, neighbour, home) {
                return true;
            }
        }
        self.length -= 1;
        false
    }

    fn electrons(&self, graph: &Graph) -> Option<u8> {
        self.atoms[..self.length].iter().map(|&atom| electrons(graph, atom)).sum()
    }
}

/// Whether the aromatic system of a bond is two fused rings of five or six with ten electrons in all; marks its bonds.
fn is_pair(graph: &Graph, bond: BondIdx, covered: &mut [bool]) -> bool {
    let mut atoms = vec![graph.bond(bond).atom1];
    let mut bonds: Vec<BondIdx> = Vec::new();
    let mut next = 0;
    while let Some(&atom) = atoms.get(next) {
        next += 1;
        for &(neighbour, bond) in graph.neighbor_slice(atom) {
            if graph.bond(bond).order == BondOrder::Aromatic && !bonds.contains(&bond) {
                bonds.push(bond);
                if !atoms.contains(&neighbour) {
                    atoms.push(neighbour);
                }
            }
        }
        if atoms.len() > 10 {
            return false;
        }
    }
    let electrons: Option<u8> = atoms.iter().map(|&atom| electrons(graph, atom)).sum();
    let fused = bonds.len() == atoms.len() + 1 && (8..=10).contains(&atoms.len());
    if !fused || electrons != Some(10) || !halves_are_small(graph, &atoms) {
        return false;
    }
    for bond in bonds {
        covered[bond.0 as usize] = true;
    }
    true
}

/// Whether the two atoms with three aromatic bonds are bonded: then the rings share one bond, and their sizes add up.
fn halves_are_small(graph: &Graph, atoms: &[AtomIdx]) -> bool {
    let aromatic = |atom: AtomIdx| {
        graph.neighbor_slice(atom).iter().filter(|&&(_, bond)| graph.bond(bond).order == BondOrder::Aromatic).count()
    };
    let mut shared = atoms.iter().filter(|&&atom| aromatic(atom) == 3);
    let (Some(&one), Some(&other), None) = (shared.next(), shared.next(), shared.next()) else { return false };
    graph.bond_between(one, other).is_some()
        && ring_size(graph, one, other).is_some_and(|size| {
            let rest = atoms.len() + 2 - size;
            (5..=6).contains(&size) && (5..=6).contains(&rest)
        })
}

/// The length of the ring that leaves `from` along its first aromatic bond that is not the one to `to`, and comes back by
/// that one.
fn ring_size(graph: &Graph, from: AtomIdx, to: AtomIdx) -> Option<usize> {
    let (mut before, mut here, mut size) = (to, from, 1);
    while here != to {
        let &(next, _) = graph.neighbor_slice(here).iter().find(|&&(next, bond)| {
            graph.bond(bond).order == BondOrder::Aromatic && next != before && (here != from || next != to)
        })?;
        (before, here, size) = (here, next, size + 1);
        if size > 10 {
            return None;
        }
    }
    Some(size)
}

/// The electrons that an atom gives to its aromatic ring; `None` where that takes more than a look.
fn electrons(graph: &Graph, index: AtomIdx) -> Option<u8> {
    let atom: &Atom = graph.atom(index);
    let neighbours = graph.degree(index) + usize::from(implicit_hcount(graph, index));
    let outside = graph.neighbor_slice(index).iter().find(|&&(_, bond)| graph.bond(bond).order == BondOrder::Double);
    match (atom.element.atomic_number(), atom.charge, outside) {
        (6, 0, None) => Some(1),
        (6, 0, Some(&(other, _))) => matches!(graph.atom(other).element.atomic_number(), 8 | 16).then_some(0),
        (7, 0, None) => Some(if neighbours == 3 { 2 } else { 1 }),
        (7, 1, None) => Some(1),
        (8 | 16, 0, None) => Some(2),
        _ => None,
    }
}

/// Whether atoms that are not written as aromatic may be: two neighbours in a ring that both have a double bond, a lone
/// pair or a place in an aromatic ring.
pub(super) fn may_grow(graph: &Graph) -> bool {
    let candidate = |index: AtomIdx| {
        let atom = graph.atom(index);
        atom.aromatic
            || atom.element.atomic_number() != 6
            || graph.neighbor_slice(index).iter().any(|&(_, bond)| graph.bond(bond).order == BondOrder::Double)
    };
    let rings = chematic::perception::ring_bond_flags_shared(graph);
    graph.bonds().any(|(index, bond)| {
        let plain =
            bond.order != BondOrder::Aromatic && !(graph.atom(bond.atom1).aromatic && graph.atom(bond.atom2).aromatic);
        plain
            && rings.get(index.0 as usize).copied().unwrap_or_default()
            && candidate(bond.atom1)
            && candidate(bond.atom2)
    })
}
