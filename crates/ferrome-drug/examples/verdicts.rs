//! Says of every line of standard input, which is SMILES, what ferrome makes of it: for comparisons with RDKit.
//!
//! A line of the output is `ok`, the atoms (`element:hydrogens:charge:aromatic:ring:degree`), the bits of ECFP4, the
//! canonical SMILES and the scaffold, with tabs between; or `error` and the reason.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::{BufRead, Write};

use ferrome_drug::molecule::{MolSource, Molecule};

fn main() {
    let brief = std::env::args().nth(1).is_some_and(|argument| argument == "--ecfp4");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let said = if brief { ecfp4(&line.unwrap()) } else { verdict(&line.unwrap()) };
        writeln!(out, "{said}").unwrap();
    }
}

fn ecfp4(smiles: &str) -> String {
    match Molecule::parse(smiles).and_then(|molecule| molecule.ecfp4()) {
        Ok(bits) => bits.len().to_string(),
        Err(refusal) => format!("error\t{refusal}"),
    }
}

fn verdict(smiles: &str) -> String {
    let molecule = match Molecule::parse(smiles) {
        Ok(molecule) => molecule,
        Err(refusal) => return format!("error\t{refusal}"),
    };
    let atoms: Vec<String> = molecule
        .atoms()
        .iter()
        .map(|atom| {
            let (aromatic, ring) = (u8::from(atom.aromatic), u8::from(atom.in_ring));
            format!("{}:{}:{}:{aromatic}:{ring}:{}", atom.element, atom.total_hydrogens, atom.charge, atom.degree)
        })
        .collect();
    let bits = molecule.ecfp4().map_or_else(
        |refusal| refusal.to_string(),
        |bits| bits.iter().map(u16::to_string).collect::<Vec<_>>().join(","),
    );
    format!("ok\t{}\t{bits}\t{}\t{}", atoms.join(","), molecule.canonical_smiles(), molecule.scaffold())
}
