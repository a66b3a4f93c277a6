use super::super::Refusal;

/// The letters of a SMILES text, one after the other.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The 0-based byte that comes next.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What comes next, to the end.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Takes `letters` if they come next.
    pub(super) fn take(&mut self, letters: &str) -> bool {
        let found = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(letters.as_bytes()));
        if found {
            self.at += letters.len();
        }
        found
    }

    /// Takes the first of `words` that comes next.
    pub(super) fn take_any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().find(|word| self.take(word)).copied()
    }

    pub(super) fn digit(&mut self) -> Option<u32> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(u32::from(digit - b'0'))
    }

    /// An atom that needs no brackets.
    pub(super) fn organic(&mut self) -> Option<&'static str> {
        let second = self.text.as_bytes().get(self.at + 1).copied();
        let symbol = match (self.peek()?, second) {
            (b'C', Some(b'l')) => "Cl",
            (b'B', Some(b'r')) => "Br",
            (b'C', _) => "C",
            (b'c', _) => "c",
            (b'N', _) => "N",
            (b'n', _) => "n",
            (b'O', _) => "O",
            (b'o', _) => "o",
            (b'S', _) => "S",
            (b's', _) => "s",
            (b'F', _) => "F",
            (b'P', _) => "P",
            (b'p', _) => "p",
            (b'I', _) => "I",
            (b'B', _) => "B",
            (b'b', _) => "b",
            (b'*', _) => "*",
            _ => return None,
        };
        self.at += symbol.len();
        Some(symbol)
    }

    pub(super) fn bond(&mut self) -> Option<&'static str> {
        if self.take("\\\\") {
            return Some("\\");
        }
        self.take_any(&["=", "->", "-", "#", "/", "\\", "<-", ":", "$", "~"])
    }

    /// A whole number without leading zeros, at most `i32::MAX`; `None` when no digit comes next.
    pub(super) fn number(&mut self) -> Result<Option<u32>, Refusal> {
        let start = self.at;
        let Some(mut number) = self.digit() else { return Ok(None) };
        if number == 0 {
            return Ok(Some(0));
        }
        while let Some(digit) = self.digit() {
            let next = u64::from(number) * 10 + u64::from(digit);
            if next >= i32::MAX as u64 {
                return Err(Refusal::syntax(start, "the number is too large"));
            }
            number = next as u32;
        }
        Ok(Some(number))
    }

    /// A ring number: a digit, `%` with two digits, or `%(…)` with up to five.
    pub(super) fn ring_number(&mut self) -> Result<u32, Refusal> {
        let start = self.at;
        if !self.take("%") {
            return self.digit().ok_or_else(|| self.expected("a ring number"));
        }
        let wrong = || Refusal::syntax(start, "`%` needs two digits, the first not 0, or one to five in parentheses");
        let digits = if self.take("(") {
            let digits: Vec<u32> = std::iter::from_fn(|| self.digit()).collect();
            if !self.take(")") || digits.is_empty() || digits.len() > 5 {
                return Err(wrong());
            }
            digits
        } else {
            let first = self.digit().filter(|&digit| digit != 0).ok_or_else(wrong)?;
            vec![first, self.digit().ok_or_else(wrong)?]
        };
        Ok(digits.into_iter().fold(0, |number, digit| number * 10 + digit))
    }

    /// What was expected here, and what is.
    pub(super) fn expected(&self, what: &str) -> Refusal {
        let found = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        match found {
            Some(letter) if letter.is_control() => Refusal::syntax(self.at, format!("expected {what}")),
            Some(letter) => Refusal::syntax(self.at, format!("expected {what}, found `{letter}`")),
            None => Refusal::syntax(self.at, format!("expected {what}, found the end")),
        }
    }
}
