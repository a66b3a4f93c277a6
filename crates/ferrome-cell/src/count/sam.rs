//! The lines of a SAM file.

use std::io::{self, BufRead, Read};

/// What counting needs of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) name: &'a [u8],
    pub(super) flags: u16,
    pub(super) mapq: u8,
    /// Fields after the eleventh.
    pub(super) tags: &'a [u8],
}

impl<'a> Line<'a> {
    /// Takes a line without its end apart; the error is what is wrong.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, String> {
        let mut rest = line;
        let mut fields: [&[u8]; 11] = [b""; 11];
        for (n, field) in fields.iter_mut().enumerate() {
            if rest.is_empty() {
                return Err(format!("expected at least 11 fields, found {n}"));
            }
            (*field, rest) = split_tab(rest);
        }
        let [name, flags, _, _, mapq, ..] = fields;
        let flags = number(flags).ok_or_else(|| format!("expected flags, found `{}`", flags.escape_ascii()))?;
        let quality = number(mapq).and_then(|mapq| u8::try_from(mapq).ok());
        let mapq = quality.ok_or_else(|| format!("expected a mapping quality, found `{}`", mapq.escape_ascii()))?;
        Ok(Self { name, flags, mapq, tags: rest })
    }

    /// The optional fields.
    pub(super) fn fields(tags: &[u8]) -> impl Iterator<Item = &[u8]> {
        tags.split(|byte| *byte == b'\t').filter(|field| !field.is_empty())
    }
}

fn split_tab(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\t', text).unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default())
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads the next line that is not a header's into `line`, without its end; `false` after the last one.
///
/// A line of more than 64 MiB is an error, so that a file of something else does not fill the memory.
pub(super) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    const LONGEST: u64 = 64 << 20;
    loop {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', line)? == 0 {
            return Ok(false);
        }
        if line.len() as u64 == LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 64 MiB"));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if !line.is_empty() && line.first() != Some(&b'@') {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_taken_apart() {
        let line = b"r1\t16\tchr1\t7\t255\t3M\t*\t0\t0\tACG\t!!!\tNH:i:1\tCB:Z:AC";
        let parsed = Line::parse(line).unwrap();
        assert_eq!(parsed, Line { name: b"r1", flags: 16, mapq: 255, tags: b"NH:i:1\tCB:Z:AC" });
        assert_eq!(Line::fields(parsed.tags).collect::<Vec<_>>(), [b"NH:i:1".as_slice(), b"CB:Z:AC"]);
    }

    #[test]
    fn line_without_tags() {
        assert_eq!(Line::parse(b"r1\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*").unwrap().tags, b"");
    }

    #[test]
    fn damaged_lines_are_named() {
        let message = |line: &str| Line::parse(line.as_bytes()).unwrap_err();
        assert_eq!(message("r1\t4\t*"), "expected at least 11 fields, found 3");
        assert_eq!(message("r1\tx\t*\t0\t0\t*\t*\t0\t0\t*\t*"), "expected flags, found `x`");
        assert_eq!(message("r1\t4\t*\t0\t256\t*\t*\t0\t0\t*\t*"), "expected a mapping quality, found `256`");
    }

    #[test]
    fn headers_and_blank_lines_are_passed_over() {
        let mut input = b"@HD\tVN:1.6\n\nr1\r\n@CO\nr2".as_slice();
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while read_line(&mut input, &mut line).unwrap() {
            lines.push(String::from_utf8(line.clone()).unwrap());
        }
        assert_eq!(lines, ["r1", "r2"]);
    }
}
