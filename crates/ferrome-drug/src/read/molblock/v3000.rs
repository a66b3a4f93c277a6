use super::{Drawing, Drawn, DrawnAtom, bond, symbol, wrong};
use crate::molecule::Refusal;

/// Reads the `M  V30` lines of a V3000 block.
pub(super) fn read(lines: &[&str]) -> Result<Drawing, Refusal> {
    let mut reader = Reader::default();
    for (number, line) in joined(lines) {
        reader.take(&line, number)?;
    }
    match reader.section {
        Section::Done => Ok(reader.drawing),
        _ => Err(wrong(lines.len(), "the block has no `END CTAB`")),
    }
}

/// The text of the lines, those joined that end in `-`, with the number of the first.
fn joined(lines: &[&str]) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in lines.iter().enumerate().skip(4) {
        let Some(text) = line.strip_prefix("M  V30 ") else { continue };
        let text = text.trim_end();
        let (text, more) = text.strip_suffix('-').map_or((text, false), |text| (text, true));
        match found.last_mut() {
            Some((_, last)) if goes_on => last.push_str(text),
            _ => found.push((index + 1, text.to_owned())),
        }
        goes_on = more;
    }
    found
}

#[derive(Default, Eq, PartialEq)]
enum Section {
    #[default]
    Before,
    Table,
    Atoms,
    Bonds,
    Other,
    Done,
}

#[derive(Default)]
struct Reader {
    drawing: Drawing,
    /// The number that the file gives each atom.
    numbers: Vec<usize>,
    section: Section,
}

impl Reader {
    fn take(&mut self, line: &str, number: usize) -> Result<(), Refusal> {
        let words: Vec<&str> = words(line);
        match (words.as_slice(), &self.section) {
            (["BEGIN", "CTAB", ..], Section::Before) => self.section = Section::Table,
            (["BEGIN", "ATOM", ..], Section::Table) => self.section = Section::Atoms,
            (["BEGIN", "BOND", ..], Section::Table) => self.section = Section::Bonds,
            (["BEGIN", ..], Section::Table) => self.section = Section::Other,
            (["END", "CTAB", ..], Section::Table) => self.section = Section::Done,
            (["END", ..], Section::Atoms | Section::Bonds | Section::Other) => self.section = Section::Table,
            (_, Section::Atoms) => self.atom(&words, number)?,
            (_, Section::Bonds) => self.bond(&words, number)?,
            _ => {}
        }
        Ok(())
    }

    fn atom(&mut self, words: &[&str], line: usize) -> Result<(), Refusal> {
        let [name, element, x, y, z, _, options @ ..] = words else {
            return Err(wrong(line, "expected the number, element, place and map of an atom"));
        };
        let place = |text: &str| text.parse::<f64>().map_err(|_| wrong(line, &format!("no coordinate: `{text}`")));
        let name = name.parse().map_err(|_| wrong(line, &format!("no number of an atom: `{name}`")))?;
        let (symbol, isotope) = symbol(element.trim_matches('"'), line)?;
        let mut atom = DrawnAtom { symbol, isotope, place: [place(x)?, place(y)?, place(z)?], ..DrawnAtom::default() };
        for (key, value) in options.iter().filter_map(|option| option.split_once('=')) {
            set(&mut atom, key, value, line)?;
        }
        self.numbers.push(name);
        self.drawing.atoms.push(atom);
        Ok(())
    }

    fn bond(&mut self, words: &[&str], line: usize) -> Result<(), Refusal> {
        let [_, order, one, other, options @ ..] = words else {
            return Err(wrong(line, "expected the number, type and atoms of a bond"));
        };
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong(line, &format!("no number: `{text}`")));
        let order = number(order)? as u32;
        let drawn = match (order, options.iter().find_map(|option| option.strip_prefix("CFG="))) {
            (1, Some("1")) => Drawn::Wedge,
            (1, Some("3")) => Drawn::Hash,
            (1 | 2, Some("2")) => Drawn::Either,
            _ => Drawn::Plain,
        };
        let place = |name: usize| self.numbers.iter().position(|&found| found == name).map_or(0, |at| at + 1);
        let atoms = [place(number(one)?), place(number(other)?)];
        self.drawing.bonds.push(bond(atoms, order, drawn, self.numbers.len(), line)?);
        Ok(())
    }
}

fn set(atom: &mut DrawnAtom, key: &str, value: &str, line: usize) -> Result<(), Refusal> {
    let wrong = || wrong(line, &format!("`{key}={value}` is not possible"));
    match key {
        "CHG" => atom.charge = value.parse().map_err(|_| wrong())?,
        "RAD" => atom.unpaired = value.parse().ok().and_then(super::unpaired).ok_or_else(wrong)?,
        "MASS" => atom.isotope = value.parse::<f64>().map_err(|_| wrong())? as u16,
        "VAL" => {
            let valence: i16 = value.parse().map_err(|_| wrong())?;
            atom.valence = (valence != 0).then(|| u8::try_from(valence).unwrap_or(0));
        }
        _ => {}
    }
    Ok(())
}

/// Words between blanks; what is in parentheses or quotes is one word.
fn words(line: &str) -> Vec<&str> {
    let (mut words, mut start, mut depth, mut quoted) = (Vec::new(), None, 0_usize, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if letter.is_whitespace() && depth == 0 && !quoted {
            words.extend(start.take().and_then(|from| line.get(from..at)));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    words.extend(start.and_then(|from| line.get(from..)));
    words
}
