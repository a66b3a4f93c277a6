//! Any text as SMILES: it ends, within the time that one molecule may take, never panics, and says in one line why not.

#![no_main]

use ferrome_drug::featurize::{MolGraph, Positions};
use ferrome_drug::molecule::{MolSource, Molecule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let molecule = match Molecule::parse(text) {
        Ok(molecule) => molecule,
        Err(refusal) => {
            assert!(!refusal.reason.is_empty() && !refusal.reason.contains('\n'), "{refusal:?}");
            return;
        }
    };
    assert_eq!(molecule.atoms().len(), molecule.len());
    assert!(molecule.ecfp4().is_ok_and(|bits| bits.is_sorted() && bits.last().is_none_or(|&bit| bit < 2048)));
    if let Ok(graph) = MolGraph::new(&molecule) {
        assert_eq!(graph.atoms(), molecule.len());
        assert!(Positions::random_walks(&graph, 4).values.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    let canonical = molecule.canonical_smiles();
    assert!(Molecule::parse(&canonical).is_ok(), "{canonical}");
});
