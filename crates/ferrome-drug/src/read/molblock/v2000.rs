use super::{Drawing, Drawn, DrawnAtom, DrawnBond, bond, symbol, wrong};
use crate::molecule::Refusal;

/// Reads the fixed columns of a V2000 block.
pub(super) fn read(lines: &[&str]) -> Result<Drawing, Refusal> {
    let counts = lines.get(3).copied().unwrap_or_default();
    let atoms = number(counts, 0, 3).ok_or_else(|| wrong(4, "expected the number of atoms"))? as usize;
    let bonds = number(counts, 3, 6).ok_or_else(|| wrong(4, "expected the number of bonds"))? as usize;
    let mut drawing = Drawing::default();
    for index in 4..4 + atoms {
        drawing.atoms.push(atom(line(lines, index)?, index + 1)?);
    }
    for index in 4 + atoms..4 + atoms + bonds {
        drawing.bonds.push(read_bond(line(lines, index)?, atoms, index + 1)?);
    }
    properties(lines, 4 + atoms + bonds, &mut drawing)?;
    Ok(drawing)
}

fn line<'a>(lines: &[&'a str], index: usize) -> Result<&'a str, Refusal> {
    match lines.get(index) {
        Some(line) if !line.starts_with("M  END") => Ok(line),
        _ => Err(wrong(index + 1, "the block is shorter than its counts line says")),
    }
}

fn atom(line: &str, number_of_line: usize) -> Result<DrawnAtom, Refusal> {
    let place = |from: usize| -> Result<f64, Refusal> {
        let text = line.get(from..from + 10).unwrap_or_default().trim();
        text.parse().map_err(|_| wrong(number_of_line, &format!("expected a coordinate, found `{text}`")))
    };
    let text = line.get(31..line.len().min(34)).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(wrong(number_of_line, "expected an element"));
    }
    let (symbol, isotope) = symbol(text, number_of_line)?;
    let charge = match number(line, 36, 39).unwrap_or_default() {
        0 | 4 => 0,
        code @ 1..=7 => 4 - code as i8,
        code => return Err(wrong(number_of_line, &format!("charge code {code} is not known"))),
    };
    let unpaired = u8::from(number(line, 36, 39) == Some(4));
    let valence = match number(line, 48, 51).unwrap_or_default() {
        0 => None,
        15 => Some(0),
        valence => Some(u8::try_from(valence).unwrap_or(u8::MAX)),
    };
    let place = [place(0)?, place(10)?, place(20)?];
    Ok(DrawnAtom { symbol, place, charge, isotope, unpaired, valence })
}

fn read_bond(line: &str, atoms: usize, number_of_line: usize) -> Result<DrawnBond, Refusal> {
    let field = |from: usize| number(line, from, from + 3);
    let (Some(one), Some(other), Some(order)) = (field(0), field(3), field(6)) else {
        return Err(wrong(number_of_line, "expected two atoms and the type of their bond"));
    };
    let drawn = match (order, field(9).unwrap_or_default()) {
        (1, 1) => Drawn::Wedge,
        (1, 6) => Drawn::Hash,
        (1, 4) | (2, 3) => Drawn::Either,
        _ => Drawn::Plain,
    };
    bond([one as usize, other as usize], order, drawn, atoms, number_of_line)
}

/// The lines that begin with `M  `; charges and radicals there replace those of the atom lines.
fn properties(lines: &[&str], from: usize, drawing: &mut Drawing) -> Result<(), Refusal> {
    let mut replaced = false;
    for (index, line) in lines.iter().enumerate().skip(from) {
        let Some((tag, rest)) = line.get(..6).zip(line.get(6..)) else { continue };
        if tag == "M  END" {
            return Ok(());
        }
        if !matches!(tag, "M  CHG" | "M  RAD" | "M  ISO") {
            continue;
        }
        if tag != "M  ISO" && !replaced {
            replaced = true;
            drawing.atoms.iter_mut().for_each(|atom| (atom.charge, atom.unpaired) = (0, 0));
        }
        for (atom, value) in pairs(rest, index + 1)? {
            let count = drawing.atoms.len();
            let Some(atom) = (atom as usize).checked_sub(1).and_then(|atom| drawing.atoms.get_mut(atom)) else {
                return Err(wrong(index + 1, &format!("a property of atom {atom} of {count}")));
            };
            set(atom, tag, value, index + 1)?;
        }
    }
    Ok(())
}

fn set(atom: &mut DrawnAtom, tag: &str, value: i32, line: usize) -> Result<(), Refusal> {
    let out_of_range = || wrong(line, &format!("the value {value} is not possible"));
    match tag {
        "M  CHG" => atom.charge = i8::try_from(value).map_err(|_| out_of_range())?,
        "M  RAD" => atom.unpaired = super::unpaired(value).ok_or_else(out_of_range)?,
        _ => atom.isotope = u16::try_from(value).map_err(|_| out_of_range())?,
    }
    Ok(())
}

/// A count, then as many pairs of an atom and a value.
fn pairs(text: &str, line: usize) -> Result<Vec<(i32, i32)>, Refusal> {
    let words: Result<Vec<i32>, _> = text.split_whitespace().map(str::parse).collect();
    let words = words.map_err(|_| wrong(line, "expected whole numbers"))?;
    let (count, rest) = words.split_first().ok_or_else(|| wrong(line, "expected a count"))?;
    let pairs: Vec<_> = rest.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    if usize::try_from(*count) == Ok(pairs.len()) { Ok(pairs) } else { Err(wrong(line, "the count is wrong")) }
}

/// The number in columns `from` to `to`; nothing counts as 0.
fn number(line: &str, from: usize, to: usize) -> Option<u32> {
    let text = line.get(from..to.min(line.len())).unwrap_or_default().trim();
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}
