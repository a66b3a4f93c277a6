//! Mol blocks, V2000 and V3000, as RDKit reads them.

mod v2000;
mod v3000;

use crate::molecule::{Molecule, Refusal, RefusalKind};

/// An atom of a mol block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DrawnAtom {
    /// The symbol; `*` for an attachment point.
    pub(crate) symbol: String,
    /// Where it is drawn.
    pub(crate) place: [f64; 3],
    /// Its formal charge.
    pub(crate) charge: i8,
    /// Its mass number, 0 for the natural mixture.
    pub(crate) isotope: u16,
    /// Its unpaired electrons.
    pub(crate) unpaired: u8,
    /// All its bonds, where the block says so; hydrogens fill what is left.
    pub(crate) valence: Option<u8>,
}

/// A bond of a mol block, between atoms counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DrawnBond {
    pub(crate) atoms: [usize; 2],
    /// 1 single, 2 double, 3 triple, 4 aromatic, 9 dative.
    pub(crate) order: u8,
    /// How it is drawn.
    pub(crate) drawn: Drawn,
}

/// How a bond is drawn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Drawn {
    #[default]
    Plain,
    /// Towards the viewer, from the first atom.
    Wedge,
    /// Away from the viewer, from the first atom.
    Hash,
    /// Either.
    Either,
}

/// What a mol block holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Drawing {
    pub(crate) atoms: Vec<DrawnAtom>,
    pub(crate) bonds: Vec<DrawnBond>,
    /// Whether the places are a conformer, not a drawing.
    pub(crate) solid: bool,
}

/// The molecule of a mol block.
pub(super) fn read(block: &str) -> Result<Molecule, Refusal> {
    Molecule::from_drawing(&drawing(block)?)
}

fn drawing(block: &str) -> Result<Drawing, Refusal> {
    let lines: Vec<&str> = block.lines().collect();
    let counts = *lines.get(3).ok_or_else(|| wrong(4, "expected the counts line, found the end"))?;
    let mut drawing = match counts.get(33..39).map(str::trim) {
        Some("V3000") => v3000::read(&lines)?,
        Some("V2000" | "") | None => v2000::read(&lines)?,
        Some(other) => return Err(wrong(4, &format!("expected V2000 or V3000, found `{other}`"))),
    };
    let marked = lines.get(1).and_then(|line| line.get(20..22));
    let deep = drawing.atoms.iter().any(|atom| atom.place[2] != 0.0);
    drawing.solid = deep && marked != Some("2D");
    Ok(drawing)
}

/// A message about the `number`-th line, counted from 1.
fn wrong(number: usize, what: &str) -> Refusal {
    Refusal::new(RefusalKind::Syntax, format!("mol block, line {number}: {what}"))
}

/// The symbol of an atom: queries are no atoms, deuterium and tritium are hydrogens.
fn symbol(text: &str, line: usize) -> Result<(String, u16), Refusal> {
    match text {
        "D" => Ok(("H".to_owned(), 2)),
        "T" => Ok(("H".to_owned(), 3)),
        "*" | "R#" => Ok(("*".to_owned(), 0)),
        "A" | "Q" | "X" | "M" | "L" | "AH" | "QH" | "XH" | "MH" => {
            let reason = format!("mol block, line {line}: `{text}` stands for several elements, not for an atom");
            Err(Refusal::new(RefusalKind::Unsupported, reason))
        }
        _ if text.strip_prefix('R').is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit())) => {
            Ok(("*".to_owned(), 0))
        }
        // Old programs write `BR`.
        _ => Ok((
            text.char_indices()
                .map(|(at, letter)| if at == 0 { letter } else { letter.to_ascii_lowercase() })
                .collect(),
            0,
        )),
    }
}

/// Checks the type of a bond and says how it is drawn.
fn bond(atoms: [usize; 2], order: u32, drawn: Drawn, count: usize, line: usize) -> Result<DrawnBond, Refusal> {
    if let Some(atom) = atoms.iter().find(|&&atom| atom == 0 || atom > count) {
        return Err(wrong(line, &format!("a bond to atom {atom} of {count}")));
    }
    let order = match order {
        1..=4 | 9 => order as u8,
        5..=8 => {
            let reason = format!("mol block, line {line}: bond type {order} is a query, not a bond of a molecule");
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        _ => return Err(wrong(line, &format!("bond type {order} is not known"))),
    };
    Ok(DrawnBond { atoms: atoms.map(|atom| atom - 1), order, drawn })
}

/// The unpaired electrons of a radical code: 1 singlet, 2 doublet, 3 triplet.
fn unpaired(code: i32) -> Option<u8> {
    match code {
        0 => Some(0),
        1 | 3 => Some(2),
        2 => Some(1),
        _ => None,
    }
}
