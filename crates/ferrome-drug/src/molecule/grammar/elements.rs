/// Symbols of more than one letter that need brackets; those of one letter are in [`SINGLE`].
const ELEMENTS: [&str; 104] = [
    "He", "Li", "Be", "Ne", "Na", "Mg", "Al", "Si", "Cl", "Ar", "Ca", "Sc", "Ti", "Cr", "Mn", "Fe", "Co", "Ni", "Cu",
    "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In",
    "Sn", "Sb", "Te", "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm",
    "Yb", "Lu", "Hf", "Ta", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac",
    "Th", "Pa", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt",
    "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og",
];

/// Symbols of one letter, and aromatic ones.
const SINGLE: [&str; 24] = [
    "si", "as", "se", "te", "B", "C", "N", "O", "P", "S", "F", "I", "K", "V", "Y", "W", "U", "b", "c", "n", "o", "p",
    "s", "*",
];

/// Provisional names, and the symbols of today.
const PROVISIONAL: [(&str, &str); 9] = [
    ("Uun", "Ds"),
    ("Uuu", "Rg"),
    ("Uub", "Cn"),
    ("Uut", "Nh"),
    ("Uuq", "Fl"),
    ("Uup", "Mc"),
    ("Uuh", "Lv"),
    ("Uus", "Ts"),
    ("Uuo", "Og"),
];

/// Takes the symbol at the start of `rest`: how many bytes it has, and how the chemistry library knows it.
///
/// Hydrogen is not among them: it follows rules of its own.
pub(super) fn symbol(rest: &str) -> Option<(usize, &'static str)> {
    if let Some((old, new)) = PROVISIONAL.iter().find(|(old, _)| rest.starts_with(old)) {
        return Some((old.len(), new));
    }
    if let Some(quoted) = rest.strip_prefix('\'') {
        let heavy = ELEMENTS.iter().skip_while(|&&symbol| symbol != "Rf");
        let found =
            heavy.into_iter().find(|symbol| quoted.strip_prefix(**symbol).is_some_and(|end| end.starts_with('\'')));
        return found.map(|symbol| (symbol.len() + 2, *symbol));
    }
    let plain = ELEMENTS.iter().chain(&SINGLE).find(|symbol| rest.starts_with(**symbol));
    plain.map(|symbol| (symbol.len(), *symbol))
}

/// The symbol of an atomic number; `*` for 0.
pub(super) fn by_number(number: u32) -> Option<&'static str> {
    let number = u8::try_from(number).ok().filter(|&number| number <= 118)?;
    if number == 0 { Some("*") } else { crate::molecule::element_symbol(number) }
}
