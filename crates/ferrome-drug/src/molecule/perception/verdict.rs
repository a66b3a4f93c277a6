//! RDKit's verdict on a molecule, and how it is said.

use std::sync::Arc;

use chematic::core::{DerivedSlot, Molecule as Graph};
use chematic::perception::AromaticityError;
use chematic::smiles::{self, RdkitSmilesError, SmilesError};

use super::super::{Refusal, RefusalKind};

/// The molecule as RDKit holds it, its hydrogens merged.
pub(super) fn sanitized(graph: &Graph) -> Result<Graph, Refusal> {
    if let Some(found) = smiles::rdkit_parsed_molecule(graph).filter(|found| found.atom_count() > 0) {
        // What RDKit perceived is not perceived again, by rules that differ in odd corners.
        found.seed_derived(DerivedSlot::RdkitParityAromatic, Arc::new(Ok::<_, AromaticityError>(found.clone())));
        return Ok(found);
    }
    let model = smiles::rdkit_sanitized_model(graph).map_err(|error| refused(&error))?;
    // Lone hydrogens, which the library cannot write as a molecule of its own.
    if graph.bond_count() == 0 && model.atoms.iter().all(Option::is_some) {
        return Ok(graph.clone());
    }
    Err(Refusal::new(RefusalKind::Unsupported, "RDKit's form of the molecule cannot be built"))
}

/// What the parser says of a text that passed the grammar.
pub(super) fn unread(error: &SmilesError) -> Refusal {
    if let SmilesError::InvalidBracketAtom { detail, .. } = error
        && let Some(number) = detail.strip_prefix("duplicate ring bond ")
    {
        return Refusal::new(RefusalKind::Syntax, format!("ring {number} joins two atoms that are bonded already"));
    }
    let kind = match error {
        SmilesError::ResourceLimit { .. } | SmilesError::NestingTooDeep { .. } => RefusalKind::Size,
        _ => RefusalKind::Syntax,
    };
    Refusal::new(kind, first_line(&error.to_string()))
}

/// What the port of RDKit's sanitisation says.
pub(super) fn refused(error: &RdkitSmilesError) -> Refusal {
    let text = match error {
        RdkitSmilesError::Unsupported(text) => {
            let kind = if text.contains("ring") { RefusalKind::Size } else { RefusalKind::Unsupported };
            return Refusal::new(kind, format!("not supported: {}", first_line(text)));
        }
        RdkitSmilesError::Sanitization(text) => first_line(text),
    };
    let first = numbers(text).next().map(|number| number + 1);
    if text.starts_with("Can't kekulize") {
        let atoms: Vec<String> = numbers(text).take(8).map(|number| (number + 1).to_string()).collect();
        let reason = format!("no double bonds can be placed in the aromatic system of atoms {}", atoms.join(", "));
        return Refusal::new(RefusalKind::Aromaticity, reason);
    }
    match first {
        Some(atom) if text.starts_with("non-ring atom") => {
            Refusal::new(RefusalKind::Aromaticity, format!("atom {atom} is aromatic, but in no ring"))
        }
        Some(atom) if text.contains("alence") => {
            Refusal::new(RefusalKind::Valence, format!("atom {atom} has more bonds than its element allows"))
        }
        Some(atom) if text.contains("formal charge") => {
            Refusal::new(RefusalKind::Valence, format!("atom {atom} has an impossible charge"))
        }
        _ => Refusal::new(RefusalKind::Valence, text),
    }
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok())
}
