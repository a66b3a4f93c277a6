//! The grammar of SMILES as RDKit has it, in front of the chemistry library, which reads more than that.
//!
//! What passes is handed on in the spelling that the library understands: doubled backslashes become single ones, ring
//! numbers such as `%(7)` plain ones, `[#6]` becomes `[C]`, `['Rf']` becomes `[Rf]`.

mod bracket;
mod elements;
mod rings;
mod scanner;

use rings::Rings;
use scanner::Scanner;

use super::{Refusal, RefusalKind};

/// The most atoms of a molecule that is read.
pub const MAX_ATOMS: usize = 4096;

/// How deep branches nest at most.
const MAX_DEPTH: usize = 400;

/// A text that follows the grammar, as the chemistry library is to read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Checked {
    /// The rewritten text.
    pub(super) smiles: String,
    /// Whether it has an atom in brackets that is a hydrogen.
    pub(super) hydrogens: bool,
}

/// Checks `text`, of which everything behind the first blank is a name or a CXSMILES extension and not read.
pub(super) fn check(text: &str) -> Result<Checked, Refusal> {
    let text = text.trim_matches(|letter: char| letter <= ' ');
    let smiles = text.split([' ', '\t']).next().unwrap_or_default();
    if smiles.is_empty() {
        return Err(Refusal::new(RefusalKind::Empty, "the molecule has no atoms"));
    }
    Grammar::new(smiles).run()
}

/// What the next letter may be.
#[derive(Clone, Copy, Eq, PartialEq)]
enum After {
    /// The start, a dot: an atom.
    Start,
    /// An atom, a ring number, a closed branch: anything but a second dot.
    Atom,
    /// A bond: an atom or a ring number.
    Bond,
    /// An opened branch: an atom, or a bond and an atom.
    Open,
    /// A bond at the start of a branch: an atom.
    OpenBond,
}

struct Grammar<'a> {
    scanner: Scanner<'a>,
    after: After,
    atoms: usize,
    current: usize,
    /// Atom and position of every open branch.
    branches: Vec<(usize, usize)>,
    rings: Rings,
    out: String,
    hydrogens: bool,
}

impl<'a> Grammar<'a> {
    fn new(smiles: &'a str) -> Self {
        Self {
            scanner: Scanner::new(smiles),
            after: After::Start,
            atoms: 0,
            current: 0,
            branches: Vec::new(),
            rings: Rings::default(),
            out: String::with_capacity(smiles.len()),
            hydrogens: false,
        }
    }

    fn run(mut self) -> Result<Checked, Refusal> {
        while let Some(letter) = self.scanner.peek() {
            match letter {
                b'(' => self.open()?,
                b')' => self.close()?,
                b'.' => self.dot()?,
                b'0'..=b'9' | b'%' => self.ring()?,
                b'-' | b'=' | b'#' | b':' | b'$' | b'/' | b'\\' | b'<' | b'~' => self.bond()?,
                _ => self.atom()?,
            }
        }
        self.finish()
    }

    fn atom(&mut self) -> Result<(), Refusal> {
        let at = self.scanner.at();
        if self.scanner.peek() == Some(b'[') {
            self.hydrogens |= bracket::read(&mut self.scanner, &mut self.out)?;
        } else {
            let symbol = self.scanner.organic().ok_or_else(|| self.scanner.expected(self.wanted()))?;
            self.out.push_str(symbol);
        }
        self.atoms += 1;
        self.current = self.atoms;
        self.after = After::Atom;
        if self.atoms > MAX_ATOMS {
            let reason = format!("position {}: more than {MAX_ATOMS} atoms", at + 1);
            return Err(Refusal::new(RefusalKind::Size, reason));
        }
        Ok(())
    }

    fn bond(&mut self) -> Result<(), Refusal> {
        let after = match self.after {
            After::Atom => After::Bond,
            After::Open => After::OpenBond,
            _ => return Err(self.scanner.expected(self.wanted())),
        };
        let at = self.scanner.at();
        let bond = self.scanner.bond().ok_or_else(|| self.scanner.expected("a bond"))?;
        if bond == "~" {
            let reason = format!("position {}: `~` is a query bond, not a bond of a molecule", at + 1);
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        self.out.push_str(bond);
        self.after = after;
        Ok(())
    }

    fn ring(&mut self) -> Result<(), Refusal> {
        if !matches!(self.after, After::Atom | After::Bond) {
            return Err(self.scanner.expected(self.wanted()));
        }
        let at = self.scanner.at();
        let number = self.scanner.ring_number()?;
        self.rings.meet(number, self.current, at, &mut self.out)?;
        self.after = After::Atom;
        Ok(())
    }

    fn open(&mut self) -> Result<(), Refusal> {
        if self.after != After::Atom {
            return Err(self.scanner.expected(self.wanted()));
        }
        if self.branches.len() >= MAX_DEPTH {
            let reason = format!("position {}: branches nest deeper than {MAX_DEPTH}", self.scanner.at() + 1);
            return Err(Refusal::new(RefusalKind::Size, reason));
        }
        self.branches.push((self.current, self.scanner.at()));
        self.take('(');
        self.after = After::Open;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        if self.after != After::Atom {
            return Err(self.scanner.expected(self.wanted()));
        }
        let Some((atom, _)) = self.branches.pop() else {
            return Err(Refusal::syntax(self.scanner.at(), "`)` closes no branch"));
        };
        self.current = atom;
        self.take(')');
        Ok(())
    }

    fn dot(&mut self) -> Result<(), Refusal> {
        if self.after != After::Atom {
            return Err(self.scanner.expected(self.wanted()));
        }
        if !self.branches.is_empty() {
            let reason = format!("position {}: a dot inside a branch is not read", self.scanner.at() + 1);
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        self.take('.');
        self.after = After::Start;
        Ok(())
    }

    fn take(&mut self, letter: char) {
        self.scanner.skip();
        self.out.push(letter);
    }

    fn wanted(&self) -> &'static str {
        match self.after {
            After::Start | After::OpenBond => "an atom",
            After::Atom => "an atom, a bond, a ring number or a branch",
            After::Bond => "an atom or a ring number",
            After::Open => "an atom or a bond",
        }
    }

    fn finish(self) -> Result<Checked, Refusal> {
        if self.after != After::Atom {
            return Err(self.scanner.expected(self.wanted()));
        }
        if let Some(&(_, at)) = self.branches.last() {
            return Err(Refusal::syntax(at, "`(` is never closed"));
        }
        self.rings.finish()?;
        Ok(Checked { smiles: self.out, hydrogens: self.hydrogens })
    }
}

#[cfg(test)]
mod tests;
