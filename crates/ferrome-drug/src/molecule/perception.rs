//! Chemistry by the crate `chematic`, which holds a port of RDKit's sanitisation.
//!
//! An ordinary molecule is taken as the parser reads it. Wherever that may differ from RDKit (hydrogens to be merged,
//! charges on carbon, hypervalent atoms, metals, dummies, odd aromatic systems) the port gives the verdict and the
//! molecule. `chematic` says which is which ([`rdkit_model_may_disagree`]); what it leaves out is in [`gate`].

mod bits;
mod drawn;
mod features;
mod gate;
mod sextet;
mod verdict;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chematic::chem;
use chematic::core::{Element, Molecule as Graph};
use chematic::fp;
use chematic::smiles::{self, RdkitSmilesParams};

use crate::read::Drawing;

use super::{Atom, Bond, Descriptors, MolSource, Refusal, RefusalKind, Standardize, grammar};

/// A molecule of the crate `chematic`, as RDKit would have it.
#[derive(Clone)]
pub struct Chematic {
    graph: Graph,
}

impl fmt::Debug for Chematic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Molecule").field(&self.canonical_smiles()).finish()
    }
}

/// The symbol of an element, by atomic number.
pub(crate) fn element_symbol(number: u8) -> Option<&'static str> {
    Element::from_atomic_number(number).map(Element::symbol)
}

impl Chematic {
    /// The molecule that a graph makes, as RDKit sanitises it.
    pub(crate) fn from_graph(graph: Graph, hydrogens: bool) -> Result<Self, Refusal> {
        if graph.atom_count() == 0 {
            return Err(Refusal::new(RefusalKind::Empty, "the molecule has no atoms"));
        }
        gate::bounded(&graph)?;
        if !hydrogens && gate::is_ordinary(&graph) {
            return Ok(Self { graph });
        }
        verdict::sanitized(&graph).map(|graph| Self { graph })
    }

    /// The molecule of a mol block.
    pub(crate) fn from_drawing(drawing: &Drawing) -> Result<Self, Refusal> {
        guarded(|| Self::from_graph(drawn::graph(drawing)?, true)).ok_or_else(gave_up)?
    }

    fn from_checked(checked: &grammar::Checked) -> Result<Self, Refusal> {
        let graph = smiles::parse_template(&checked.smiles).map_err(|error| verdict::unread(&error))?;
        Self::from_graph(graph, checked.hydrogens)
    }

    fn writes(&self, params: &RdkitSmilesParams) -> String {
        guarded(|| smiles::rdkit_smiles(&self.graph, params).ok())
            .flatten()
            .unwrap_or_else(|| smiles::canonical_smiles(&self.graph))
    }
}

/// Runs code of the library; a panic in there is nobody's input error, and must not end a run of millions.
fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

fn gave_up() -> Refusal {
    Refusal::new(RefusalKind::Unsupported, "the chemistry library gave up on this molecule")
}

impl MolSource for Chematic {
    fn parse(smiles: &str) -> Result<Self, Refusal> {
        let checked = grammar::check(smiles)?;
        guarded(|| Self::from_checked(&checked)).ok_or_else(gave_up)?
    }

    fn len(&self) -> usize {
        self.graph.atom_count()
    }

    fn atoms(&self) -> Vec<Atom> {
        features::atoms(&self.graph)
    }

    fn structure(&self) -> Result<(Vec<Atom>, Vec<Bond>), Refusal> {
        guarded(|| features::structure(&self.graph)).ok_or_else(gave_up)?
    }

    fn ecfp4(&self) -> Result<Vec<u16>, Refusal> {
        let found = guarded(|| fp::rdkit_morgan_ecfp4_bitvec(&self.graph)).ok_or_else(gave_up)?;
        found.map(|bits| bits::on(&bits)).map_err(|error| {
            Refusal::new(RefusalKind::Unsupported, format!("no ECFP4: {}", verdict::first_line(&error.to_string())))
        })
    }

    fn fcfp4(&self) -> Vec<u16> {
        let view = features::aromatic_view(&self.graph);
        bits::on(&fp::fcfp4(&view))
    }

    fn canonical_smiles(&self) -> String {
        self.writes(&RdkitSmilesParams::default())
    }

    fn scaffold(&self) -> String {
        guarded(|| scaffold(&self.graph)).flatten().unwrap_or_default()
    }

    fn descriptors(&self) -> Descriptors {
        let graph = &self.graph;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Descriptors {
            molecular_weight: chem::rdkit_molecular_weight(graph),
            logp: chem::logp_crippen(graph),
            tpsa: chem::rdkit_tpsa(graph),
            donors: count(chem::hbd_count(graph)),
            acceptors: count(chem::rdkit_hba_count(graph)),
            rotatable_bonds: count(chem::rotatable_bond_count(graph)),
            rings: count(chem::rdkit_num_rings(graph)),
            aromatic_rings: count(chem::rdkit_aromatic_ring_count(graph)),
            qed: chem::qed(graph),
        }
    }

    fn standardized(&self, how: Standardize) -> Result<Self, Refusal> {
        if how.is_nothing() {
            return Ok(self.clone());
        }
        guarded(|| standardized(&self.graph, how)).ok_or_else(gave_up)?
    }
}

/// The scaffold without handedness, which scaffolds lose with what they are made from.
fn scaffold(graph: &Graph) -> Option<String> {
    let found = smiles::rdkit_murcko_scaffold(graph).ok()?;
    if !found.contains(['@', '/', '\\']) {
        return Some(found);
    }
    let flat = RdkitSmilesParams { isomeric: false, ..RdkitSmilesParams::default() };
    smiles::rdkit_smiles(&smiles::parse_template(&found).ok()?, &flat).ok()
}

fn standardized(graph: &Graph, how: Standardize) -> Result<Chematic, Refusal> {
    let mut graph = graph.clone();
    if how.largest_fragment {
        graph = gate::largest_fragment(&graph);
    }
    if how.neutralize {
        graph = chem::standardize::uncharge(&graph);
    }
    // Written and read again, in the order of the atoms, so that all that is known of it is found anew.
    let params = RdkitSmilesParams { canonical: false, ..RdkitSmilesParams::default() };
    let text = smiles::rdkit_smiles(&graph, &params).map_err(|error| verdict::refused(&error))?;
    Chematic::parse(&text)
}
