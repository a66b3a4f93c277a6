//! From what a mol block draws to a graph: hydrogens by the rules for valence, handedness from wedges or a conformer.

use std::collections::HashSet;

use chematic::core::{
    Atom, AtomIdx, BondIdx, BondOrder, Chirality, Element, Molecule as Graph, MoleculeBuilder, STEREO_H_SENTINEL,
    implicit_hcount,
};
use chematic::perception::{
    apply_ctab_local_parity_from_wedges_with_diagnostics, apply_ez_directions_from_2d_ex, apply_ez_directions_from_3d,
};

use super::super::{Refusal, RefusalKind};
use crate::read::{Drawing, Drawn, DrawnAtom};

/// The graph of a drawing, before RDKit's sanitisation.
pub(super) fn graph(drawing: &Drawing) -> Result<Graph, Refusal> {
    let mut builder = MoleculeBuilder::new();
    for (index, atom) in drawing.atoms.iter().enumerate() {
        builder.add_atom(self::atom(atom, index)?);
    }
    for bond in &drawing.bonds {
        let order = match (bond.order, bond.drawn) {
            (1, Drawn::Wedge) => BondOrder::Up,
            (1, Drawn::Hash) => BondOrder::Down,
            (1, _) => BondOrder::Single,
            (2, _) => BondOrder::Double,
            (3, _) => BondOrder::Triple,
            (4, _) => BondOrder::Aromatic,
            _ => BondOrder::Dative,
        };
        let [one, other] = bond.atoms.map(|atom| AtomIdx(atom as u32));
        if one == other || builder.add_bond(one, other, order).is_err() {
            let reason = format!("atoms {} and {} cannot be bonded, or twice", one.0 + 1, other.0 + 1);
            return Err(Refusal::new(RefusalKind::Syntax, reason));
        }
    }
    let mut graph = builder.build();
    aromatic_atoms(&mut graph);
    hydrogens(&mut graph, drawing);
    stereo(&mut graph, drawing);
    Ok(graph)
}

fn atom(drawn: &DrawnAtom, index: usize) -> Result<Atom, Refusal> {
    let mut atom = if drawn.symbol == "*" {
        Atom::wildcard()
    } else {
        let element = Element::from_symbol(&drawn.symbol).ok_or_else(|| {
            let reason = format!("atom {}: `{}` is no element", index + 1, drawn.symbol);
            Refusal::new(RefusalKind::Syntax, reason)
        })?;
        Atom::new(element)
    };
    atom.charge = drawn.charge;
    atom.isotope = (drawn.isotope != 0).then_some(drawn.isotope);
    Ok(atom)
}

fn aromatic_atoms(graph: &mut Graph) {
    let ends = graph.bonds().filter(|(_, bond)| bond.order == BondOrder::Aromatic);
    let aromatic: Vec<AtomIdx> = ends.flat_map(|(_, bond)| [bond.atom1, bond.atom2]).collect();
    for atom in aromatic {
        graph.set_atom_aromatic(atom, true);
    }
}

/// Fixes the number of hydrogens where the block does: hydrogen atoms, radicals, an explicit valence.
fn hydrogens(graph: &mut Graph, drawing: &Drawing) {
    for (index, drawn) in (0..).map(AtomIdx).zip(&drawing.atoms) {
        let bonds = graph.neighbors(index).map(|(_, bond)| graph.bond(bond).order.order_int()).sum::<u8>();
        let count = match drawn.valence {
            Some(valence) => Some(valence.saturating_sub(bonds)),
            None if drawn.symbol == "H" => Some(0),
            None if drawn.unpaired > 0 => Some(implicit_hcount(graph, index).saturating_sub(drawn.unpaired)),
            None => None,
        };
        if count.is_some() {
            graph.set_hydrogen_count(index, count);
        }
    }
}

fn stereo(graph: &mut Graph, drawing: &Drawing) {
    let flat: Vec<(f64, f64)> = drawing.atoms.iter().map(|atom| (atom.place[0], atom.place[1])).collect();
    if drawing.solid {
        handedness_of_conformer(graph, drawing);
    } else {
        apply_ctab_local_parity_from_wedges_with_diagnostics(graph, &flat);
    }
    let wedges: Vec<BondIdx> = graph
        .bonds()
        .filter_map(|(index, bond)| matches!(bond.order, BondOrder::Up | BondOrder::Down).then_some(index))
        .collect();
    for wedge in wedges {
        graph.set_bond_order(wedge, BondOrder::Single);
    }
    let either = either(drawing);
    if drawing.solid && either.is_empty() {
        let places: Vec<(f64, f64, f64)> =
            drawing.atoms.iter().map(|atom| (atom.place[0], atom.place[1], atom.place[2])).collect();
        apply_ez_directions_from_3d(graph, &places);
    } else {
        apply_ez_directions_from_2d_ex(graph, &flat, &either);
    }
}

/// Double bonds that are drawn crossed, or beside a wavy single bond.
fn either(drawing: &Drawing) -> HashSet<BondIdx> {
    let wavy = drawing.bonds.iter().filter(|bond| bond.order == 1 && bond.drawn == Drawn::Either);
    let beside: HashSet<usize> = wavy.flat_map(|bond| bond.atoms).collect();
    let open = drawing.bonds.iter().map(|bond| {
        bond.order == 2 && (bond.drawn == Drawn::Either || bond.atoms.iter().any(|atom| beside.contains(atom)))
    });
    (0..).map(BondIdx).zip(open).filter_map(|(index, open)| open.then_some(index)).collect()
}

/// Gives every atom with four ligands (a hydrogen among them) the handedness that it has in space; what is no centre
/// loses it when the molecule is sanitised.
fn handedness_of_conformer(graph: &mut Graph, drawing: &Drawing) {
    for index in (0..graph.atom_count() as u32).map(AtomIdx) {
        let mut order: Vec<u32> = graph.neighbors(index).map(|(atom, _)| atom.0).collect();
        let hydrogens = implicit_hcount(graph, index);
        if order.len() + usize::from(hydrogens) != 4 || hydrogens > 1 || graph.atom(index).aromatic {
            continue;
        }
        let Some(volume) = volume(index, &order, drawing).filter(|volume| volume.abs() > 0.1) else { continue };
        if hydrogens == 1 {
            order.push(STEREO_H_SENTINEL);
        }
        let turn = if volume > 0.0 { Chirality::CounterClockwise } else { Chirality::Clockwise };
        graph.set_chirality(index, turn);
        graph.set_stereo_neighbor_order(index, order);
    }
}

/// The signed volume that the first three ligands span, as seen from the first.
fn volume(centre: AtomIdx, ligands: &[u32], drawing: &Drawing) -> Option<f64> {
    let place = |atom: u32| drawing.atoms.get(atom as usize).map(|atom| atom.place);
    let from = place(centre.0)?;
    let arm = |atom: u32| {
        let to = place(atom)?;
        let arm = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
        let length = arm.iter().map(|x| x * x).sum::<f64>().sqrt();
        (length > 0.0).then(|| arm.map(|x| x / length))
    };
    let [a, b, c] = [arm(*ligands.first()?)?, arm(*ligands.get(1)?)?, arm(*ligands.get(2)?)?];
    let cross = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
    Some(a.iter().zip(cross).map(|(x, y)| x * y).sum())
}
