use super::super::Refusal;
use super::elements;
use super::scanner::Scanner;

/// The chirality classes and how many arrangements each has.
const CLASSES: [(&str, u32); 5] = [("@TH", 2), ("@AL", 2), ("@SP", 3), ("@TB", 20), ("@OH", 30)];

/// The heaviest isotope, the most hydrogens and the highest charge that are read.
const MAX_ISOTOPE: u32 = u16::MAX as u32;
const MAX_COUNT: u32 = 99;

/// Reads an atom in brackets and writes it as the chemistry library reads it; whether it is a hydrogen.
pub(super) fn read(scanner: &mut Scanner<'_>, out: &mut String) -> Result<bool, Refusal> {
    out.push('[');
    scanner.skip();
    let at = scanner.at();
    if let Some(isotope) = scanner.number()? {
        if isotope > MAX_ISOTOPE {
            return Err(Refusal::syntax(at, format!("isotope {isotope} is not read (at most {MAX_ISOTOPE})")));
        }
        if isotope > 0 {
            out.push_str(&isotope.to_string());
        }
    }
    let hydrogen = element(scanner, out)?;
    if !hydrogen {
        chirality(scanner, out)?;
    }
    counted(scanner, out, &["H"], "hydrogens")?;
    charge(scanner, out)?;
    if scanner.take(":") {
        let map = scanner.number()?.ok_or_else(|| scanner.expected("an atom-map number"))?;
        out.push_str(&format!(":{}", map.min(MAX_ISOTOPE)));
    }
    if !scanner.take("]") {
        return Err(scanner.expected("`]`"));
    }
    out.push(']');
    Ok(hydrogen)
}

/// The element; whether it is hydrogen.
fn element(scanner: &mut Scanner<'_>, out: &mut String) -> Result<bool, Refusal> {
    let at = scanner.at();
    if scanner.take("#") {
        let number = scanner.number()?.ok_or_else(|| scanner.expected("an atomic number"))?;
        let symbol = elements::by_number(number)
            .ok_or_else(|| Refusal::syntax(at, format!("there is no element of atomic number {number}")))?;
        out.push_str(symbol);
        return Ok(number == 1);
    }
    if let Some((length, symbol)) = elements::symbol(scanner.rest()) {
        scanner.advance(length);
        out.push_str(symbol);
        return Ok(false);
    }
    if scanner.take("H") {
        out.push('H');
        return Ok(true);
    }
    Err(scanner.expected("an element"))
}

fn chirality(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), Refusal> {
    let at = scanner.at();
    for (class, most) in CLASSES {
        if scanner.take(class) {
            out.push_str(class);
            let Some(number) = scanner.number()? else { return Ok(()) };
            if number == 0 || number > most {
                return Err(Refusal::syntax(at, format!("`{class}` has arrangements 1 to {most}, found {number}")));
            }
            out.push_str(&number.to_string());
            return Ok(());
        }
    }
    out.push_str(scanner.take_any(&["@@", "@"]).unwrap_or_default());
    Ok(())
}

/// A letter and how many of it: `H`, `H3`.
fn counted(scanner: &mut Scanner<'_>, out: &mut String, letters: &[&str], of: &str) -> Result<(), Refusal> {
    let at = scanner.at();
    let Some(letter) = scanner.take_any(letters) else { return Ok(()) };
    out.push_str(letter);
    let Some(count) = scanner.number()? else { return Ok(()) };
    if count > MAX_COUNT {
        return Err(Refusal::syntax(at, format!("{count} {of} on one atom are not read (at most {MAX_COUNT})")));
    }
    out.push_str(&count.to_string());
    Ok(())
}

fn charge(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), Refusal> {
    match scanner.take_any(&["++", "--"]) {
        Some(double) => out.push_str(double),
        None => counted(scanner, out, &["+", "-"], "charges")?,
    }
    Ok(())
}
