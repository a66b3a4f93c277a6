use super::*;

fn message(smiles: &str) -> String {
    check(smiles).unwrap_err().to_string()
}

fn rewritten(smiles: &str) -> String {
    check(smiles).unwrap().smiles
}

#[test]
fn ordinary_smiles_pass_as_they_are() {
    for smiles in [
        "CC(=O)Oc1ccccc1C(=O)O",
        "[13CH3][C@@H](N)C(=O)[O-]",
        "F/C=C\\F",
        "C1.C1",
        "C(C)(C)(C)C",
        "[nH]1cccc1",
        "[Cu+2]",
        "[OH2]->[Fe]",
        "*c1ccccc1",
        "C%10CC%10",
        "[CH3:7]C",
        "[Pt@SP1](F)(Cl)(Br)I",
    ] {
        assert_eq!(rewritten(smiles), smiles);
    }
}

#[test]
fn spellings_that_the_library_lacks_are_rewritten() {
    for (smiles, expected) in [
        ("F/C=C\\\\F", "F/C=C\\F"),
        ("C%(1)CC%(1)", "C1CC1"),
        ("C%(012)CC%12", "C%12CC%12"),
        ("C%(123)CC%(123)", "C%(123)CC%(123)"),
        ("[#6]", "[C]"),
        ("[13#6H4]", "[13CH4]"),
        ("[#0]", "[*]"),
        ("['Rf']", "[Rf]"),
        ("[Uun]", "[Ds]"),
        ("  CC name with blanks", "CC"),
        ("CC |$_AP1;$|", "CC"),
    ] {
        assert_eq!(rewritten(smiles), expected, "{smiles}");
    }
}

#[test]
fn what_rdkit_refuses_is_refused_with_the_position() {
    for (smiles, expected) in [
        ("", "the molecule has no atoms"),
        (" \t ", "the molecule has no atoms"),
        (".C", "position 1: expected an atom, found `.`"),
        ("C..C", "position 3: expected an atom, found `.`"),
        ("C.", "position 3: expected an atom, found the end"),
        ("C-(C)", "position 3: expected an atom or a ring number, found `(`"),
        ("CC=(CO)C", "position 4: expected an atom or a ring number, found `(`"),
        ("C()C", "position 3: expected an atom or a bond, found `)`"),
        ("C(-)C", "position 4: expected an atom, found `)`"),
        ("C(1CC1)", "position 3: expected an atom or a bond, found `1`"),
        ("C((C))", "position 3: expected an atom or a bond, found `(`"),
        ("(C)C", "position 1: expected an atom, found `(`"),
        ("C)", "position 2: `)` closes no branch"),
        ("C(C", "position 2: `(` is never closed"),
        ("C11C", "position 3: ring 1 joins an atom to itself"),
        ("C1CC", "position 2: ring 1 is never closed"),
        ("C%01CC%01", "position 2: `%` needs two digits, the first not 0, or one to five in parentheses"),
        ("C=", "position 3: expected an atom or a ring number, found the end"),
        ("C==C", "position 3: expected an atom or a ring number, found `=`"),
        ("C@(F)(Cl)Br", "position 2: expected an atom, a bond, a ring number or a branch, found `@`"),
        ("CX", "position 2: expected an atom, a bond, a ring number or a branch, found `X`"),
        ("[999999999999999999C]", "position 2: the number is too large"),
        ("[70000C]", "position 2: isotope 70000 is not read (at most 65535)"),
        ("[013C]", "position 3: expected an element, found `1`"),
        ("[Xx]", "position 2: expected an element, found `X`"),
        ("[cn]", "position 3: expected `]`, found `n`"),
        ("[C", "position 3: expected `]`, found the end"),
        ("[C+++]", "position 5: expected `]`, found `+`"),
        ("[C@TH3](F)(Cl)(Br)I", "position 3: `@TH` has arrangements 1 to 2, found 3"),
        ("[#119]", "position 2: there is no element of atomic number 119"),
        ("C(C.C)C", "position 4: a dot inside a branch is not read"),
        ("C~C", "position 2: `~` is a query bond, not a bond of a molecule"),
        ("Cé", "position 2: expected an atom, a bond, a ring number or a branch, found `é`"),
    ] {
        assert_eq!(message(smiles), expected, "{smiles}");
    }
}

#[test]
fn size_is_bounded() {
    let long = "C".repeat(MAX_ATOMS + 1);
    assert_eq!(message(&long), "position 4097: more than 4096 atoms");
    assert_eq!(check(&long[1..]).map(|checked| checked.smiles.len()), Ok(MAX_ATOMS));
    let deep = format!("{}{}", "C(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1));
    assert_eq!(message(&deep), "position 802: branches nest deeper than 400");
}
