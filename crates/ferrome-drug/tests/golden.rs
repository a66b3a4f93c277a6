//! Every molecule of the golden set against RDKit: verdict, atoms, bonds, ECFP4, canonical SMILES, scaffold.
//!
//! What differs is listed in `fixtures/golden_differences.tsv`, so that a change shows; `FERROME_BLESS=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ferrome_drug::molecule::{Atom, Bond, BondStereo, BondType, ChiralTag, Hybridization, MolSource, Molecule};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use serde_json::Value;

/// The lines of a file of the golden set, or `None` (said on stderr) where that is not at hand; CI must have it.
fn golden(file: &str) -> Option<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dti/golden_rdkit").join(file);
    if !path.is_file() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
        eprintln!("skipped: {} is missing", path.display());
        return None;
    }
    let reader = BufReader::new(MultiGzDecoder::new(fs_err::File::open(path).unwrap()));
    Some(reader.lines().skip(1).map(Result::unwrap).collect())
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_differences.tsv")
}

/// Compares what differs with the fixture's lines of these kinds.
fn check(kinds: &[&str], found: BTreeSet<String>) {
    static FIXTURE: Mutex<()> = Mutex::new(());
    let _alone = FIXTURE.lock();
    let listed = fs_err::read_to_string(fixture()).unwrap_or_default();
    let of_kind = |line: &&str| line.split('\t').next().is_some_and(|kind| kinds.contains(&kind));
    if std::env::var("FERROME_BLESS").as_deref() == Ok("1") {
        let others = listed.lines().filter(|line| !of_kind(line)).map(str::to_owned);
        let lines: BTreeSet<String> = others.chain(found).collect();
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        fs_err::write(fixture(), text).unwrap();
        return;
    }
    let expected: BTreeSet<String> = listed.lines().filter(of_kind).map(str::to_owned).collect();
    let new: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "differs now: {new:#?}\nno longer differs: {gone:#?}");
}

fn row(atom: &Atom) -> String {
    let flag = u8::from;
    let Atom { total_hydrogens, charge, degree, .. } = atom;
    format!("{total_hydrogens}:{charge}:{}:{}:{degree}", flag(atom.aromatic), flag(atom.in_ring))
}

/// What is wrong with a line of `atoms_all.tsv`: set, SMILES, atoms or `ERR`.
fn atoms_differ(line: &str) -> Option<String> {
    let mut fields = line.split('\t').skip(1);
    let (smiles, expected) = (fields.next().unwrap(), fields.next().unwrap());
    let kind = match Molecule::parse(smiles) {
        Ok(_) if expected == "ERR" => "verdict",
        Err(_) if expected != "ERR" => "verdict",
        Ok(molecule) => {
            let rows = molecule.atoms().iter().map(|atom| row(atom) + ",").collect::<String>();
            if rows == expected { return None } else { "atoms" }
        }
        Err(_) => return None,
    };
    Some(format!("{kind}\t{smiles}"))
}

#[test]
fn atoms_are_those_of_rdkit_in_99_95_percent_of_the_golden_molecules() {
    let Some(lines) = golden("atoms_all.tsv.gz") else { return };
    assert_eq!(lines.len(), 64_150);
    let found: BTreeSet<String> = lines.par_iter().filter_map(|line| atoms_differ(line)).collect();
    assert!(found.len() * 2000 <= lines.len(), "{} of {} differ", found.len(), lines.len());
    check(&["atoms", "verdict"], found);
}

#[test]
fn structures_fingerprints_and_scaffolds_are_those_of_rdkit() {
    let Some(lines) = golden("full_features_sample.jsonl.gz") else { return };
    assert_eq!(lines.len(), 6_980);
    let found: BTreeSet<String> = lines.par_iter().flat_map_iter(|line| structure_differs(line)).collect();
    // The sample holds all odd macrocycles of the whole set.
    for (kind, one_in) in [("ecfp4", 2000), ("full atoms", 1000), ("full bonds", 1000)] {
        let differing = found.iter().filter(|line| line.starts_with(kind)).count();
        assert!(differing * one_in <= lines.len(), "{kind}: {differing} of {} differ", lines.len());
    }
    check(&["ecfp4", "full atoms", "full bonds", "canonical", "scaffold"], found);
}

fn structure_differs(line: &str) -> Vec<String> {
    let golden: Value = serde_json::from_str(line).unwrap();
    let smiles = golden["smiles"].as_str().unwrap();
    if golden["ok"] != true {
        return Vec::new();
    }
    let molecule = Molecule::parse(smiles).unwrap_or_else(|error| panic!("{smiles}: {error}"));
    let (atoms, bonds) = molecule.structure().unwrap_or_else(|error| panic!("{smiles}: {error}"));
    let atoms: Vec<Value> = atoms.iter().map(golden_atom).collect();
    let expected: Vec<Value> = golden["atoms"].as_array().unwrap().iter().map(known_of_atom).collect();
    let bonds: Vec<Value> = bonds.iter().map(golden_bond).collect();
    let listed: Vec<Value> = golden["bonds"].as_array().unwrap().iter().map(known_of_bond).collect();
    let bits: Value = molecule.ecfp4().unwrap_or_else(|error| panic!("{smiles}: {error}")).into();
    let kinds = [
        ("full atoms", atoms == expected),
        ("full bonds", bonds == listed),
        ("ecfp4", bits == golden["ecfp4"]),
        ("canonical", golden["canonical"] == molecule.canonical_smiles()),
        ("scaffold", golden["scaffold"] == molecule.scaffold()),
    ];
    kinds.iter().filter(|(_, same)| !same).map(|(kind, _)| format!("{kind}\t{smiles}")).collect()
}

/// Element, hydrogens, charge, aromatic, degree, hybridisation, chiral tag, rings of 3 to 8.
fn golden_atom(atom: &Atom) -> Value {
    let hybridization = match atom.hybridization {
        Hybridization::Other => "UNSPECIFIED",
        Hybridization::S => "S",
        Hybridization::Sp => "SP",
        Hybridization::Sp2 => "SP2",
        Hybridization::Sp3 => "SP3",
        Hybridization::Sp3d => "SP3D",
        Hybridization::Sp3d2 => "SP3D2",
        Hybridization::Sp2d => "SP2D",
    };
    let tag = match atom.chiral_tag {
        ChiralTag::None => 0,
        ChiralTag::Clockwise => 1,
        ChiralTag::CounterClockwise => 2,
        ChiralTag::Other => 3,
    };
    let ring = |bit: u8| atom.ring_sizes >> bit & 1;
    serde_json::json!([
        atom.element,
        atom.total_hydrogens,
        atom.charge,
        u8::from(atom.aromatic),
        atom.degree,
        hybridization,
        tag,
        ring(0),
        ring(1),
        ring(2),
        ring(3),
        ring(4),
        ring(5)
    ])
}

fn known_of_atom(atom: &Value) -> Value {
    let columns = [0, 1, 2, 3, 4, 6, 7, 12, 13, 14, 15, 16, 17];
    Value::Array(columns.iter().map(|&column| atom[column].clone()).collect())
}

/// Atoms, type, conjugated, in a ring, stereo.
fn golden_bond(bond: &Bond) -> Value {
    let kind = match bond.kind {
        BondType::Single => "SINGLE",
        BondType::Double => "DOUBLE",
        BondType::Triple => "TRIPLE",
        BondType::Aromatic => "AROMATIC",
        BondType::Other => "DATIVE",
    };
    let stereo = match bond.stereo {
        BondStereo::None => "STEREONONE",
        BondStereo::Any => "STEREOANY",
        BondStereo::Z => "STEREOZ",
        BondStereo::E => "STEREOE",
    };
    let [one, other] = bond.atoms;
    serde_json::json!([one, other, kind, u8::from(bond.conjugated), u8::from(bond.in_ring), stereo])
}

fn known_of_bond(bond: &Value) -> Value {
    Value::Array((0..6).map(|column| bond[column].clone()).collect())
}
