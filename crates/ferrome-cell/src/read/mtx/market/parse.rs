use memchr::memchr;

use crate::read::hdf5::{Number, Numbers};

/// What the values of a matrix are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::read::mtx) enum Field {
    Integer,
    Real,
    /// Entries without a value; each is 1.
    Pattern,
}

impl Field {
    /// What the first line of a file says.
    pub(super) fn of(line: &str) -> Result<Self, String> {
        let words: Vec<String> = line.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["%%matrixmarket", "matrix", "coordinate", field, "general"] => match field {
                "integer" | "unsigned-integer" => Ok(Self::Integer),
                "real" | "double" => Ok(Self::Real),
                "pattern" => Ok(Self::Pattern),
                other => Err(format!("expected integer or real values, found {other}")),
            },
            ["%%matrixmarket", ..] => Err(format!("expected a general coordinate matrix, found `{line}`")),
            _ => Err("does not begin with %%MatrixMarket".to_owned()),
        }
    }

    /// How its values are kept.
    pub(in crate::read::mtx) fn number(self) -> Number {
        if self == Self::Real { Number::F64 } else { Number::I64 }
    }
}

/// Entries in the order of a file.
#[derive(Debug)]
pub(in crate::read::mtx) struct Batch {
    pub(in crate::read::mtx) genes: Vec<u32>,
    pub(in crate::read::mtx) cells: Vec<u32>,
    pub(in crate::read::mtx) values: Numbers,
}

/// The entries in whole lines, and how many lines there are, up to the wrong one.
pub(super) fn batch(block: &[u8], field: Field, shape: (u64, u64), swapped: bool) -> (Result<Batch, String>, u64) {
    let guess = block.len() / 8;
    let mut batch = Batch {
        genes: Vec::with_capacity(guess),
        cells: Vec::with_capacity(guess),
        values: Numbers { number: field.number(), bytes: Vec::with_capacity(8 * guess) },
    };
    let (mut rest, mut lines) = (block, 0);
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        rest = rest.get(end + 1..).unwrap_or_default();
        lines += 1;
        if line.is_empty() || line.starts_with(b"%") {
            continue;
        }
        let Some((row, column, value)) = entry(line, field) else {
            let line = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
            return (Err(format!("expected a row, a column and a value, found `{line}`")), lines);
        };
        if row == 0 || row > shape.0 || column == 0 || column > shape.1 {
            let (rows, columns) = shape;
            return (Err(format!("row {row}, column {column} is not in a matrix of {rows} x {columns}")), lines);
        }
        let (gene, cell) = if swapped { (column, row) } else { (row, column) };
        batch.genes.push((gene - 1) as u32);
        batch.cells.push((cell - 1) as u32);
        batch.values.bytes.extend_from_slice(&value);
    }
    (Ok(batch), lines)
}

/// Row, column and the bytes of the value.
fn entry(line: &[u8], field: Field) -> Option<(u64, u64, [u8; 8])> {
    let (row, rest) = whole(line)?;
    let (column, rest) = whole(rest.trim_ascii_start())?;
    let word = rest.trim_ascii_start();
    let value = match field {
        Field::Pattern if word.is_empty() => 1i64.to_le_bytes(),
        Field::Pattern => return None,
        Field::Integer => match word.strip_prefix(b"-") {
            Some(word) => signed(word)?.checked_neg()?.to_le_bytes(),
            None => signed(word)?.to_le_bytes(),
        },
        Field::Real => match whole(word) {
            Some((value, [])) => (value as f64).to_le_bytes(),
            _ => std::str::from_utf8(word).ok()?.parse::<f64>().ok()?.to_le_bytes(),
        },
    };
    Some((row, column, value))
}

fn signed(word: &[u8]) -> Option<i64> {
    match whole(word)? {
        (value, []) => i64::try_from(value).ok(),
        _ => None,
    }
}

/// A whole number and what follows it; at most 18 digits.
fn whole(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 18 {
        return None;
    }
    let (digits, rest) = text.split_at(digits);
    Some((digits.iter().fold(0, |value, digit| 10 * value + u64::from(digit - b'0')), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entries = (Vec<u32>, Vec<u32>, Vec<f64>);

    fn parsed(text: &[u8], field: Field) -> Result<Entries, String> {
        let (batch, _) = batch(text, field, (9, 9), false);
        batch.map(|batch| {
            let values = (0..batch.values.len()).map(|place| batch.values.double(place)).collect();
            (batch.genes, batch.cells, values)
        })
    }

    #[test]
    fn entries_with_blanks_tabs_comments_and_crlf() {
        let text = b"1 2 3\r\n\n%x\n  9\t9  -4 \n1 1 0";
        assert_eq!(parsed(text, Field::Integer).unwrap(), (vec![0, 8, 0], vec![1, 8, 0], vec![3.0, -4.0, 0.0]));
        assert_eq!(parsed(b"1 2 3\n2 2 1.5e0\n", Field::Real).unwrap().2, [3.0, 1.5]);
        assert_eq!(parsed(b"1 2\n", Field::Pattern).unwrap().2, [1.0]);
    }

    #[test]
    fn wrong_lines_are_shown() {
        let wrong = |text: &[u8], field| parsed(text, field).unwrap_err();
        let expected = |line: &str| format!("expected a row, a column and a value, found `{line}`");
        assert_eq!(wrong(b"1 2 3.5\n", Field::Integer), expected("1 2 3.5"));
        assert_eq!(wrong(b"1 2\n", Field::Integer), expected("1 2"));
        assert_eq!(wrong(b"1 2 x\n", Field::Real), expected("1 2 x"));
        assert_eq!(wrong(b"1 10 1\n", Field::Real), "row 1, column 10 is not in a matrix of 9 x 9");
        assert_eq!(wrong(b"0 1 1\n", Field::Real), "row 0, column 1 is not in a matrix of 9 x 9");
    }

    #[test]
    fn first_lines() {
        assert_eq!(Field::of("%%MatrixMarket matrix coordinate real general"), Ok(Field::Real));
        assert_eq!(Field::of("1 2 3").unwrap_err(), "does not begin with %%MatrixMarket");
        assert_eq!(
            Field::of("%%MatrixMarket matrix array real general").unwrap_err(),
            "expected a general coordinate matrix, found `%%MatrixMarket matrix array real general`"
        );
    }
}
