use std::sync::Arc;

use memchr::{memchr, memchr2};

/// One record of a FASTA file, cleaned but not judged: letters outside the alphabet are the tokenizer's to reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protein {
    /// The first word of the header; empty when the header is.
    pub id: String,
    /// The rest of the header.
    pub description: String,
    /// The residues: upper case, without blanks and without a `*` at the end.
    pub sequence: Vec<u8>,
    /// The file as messages name it; `stdin` for standard input.
    pub source: Arc<str>,
    /// The 1-based line of the header.
    pub line: u64,
    /// Why this record cannot be used, when that is known before tokenization (a translation that failed).
    pub problem: Option<String>,
}

impl Protein {
    /// A protein that was not read from a file: the `number`th (from 1) of `source`. Its residues are cleaned as those of a file
    /// are; line ends in them count as blanks.
    ///
    /// ```
    /// use ferrome_protein::read::Protein;
    ///
    /// let protein = Protein::given("P1", "mkt\nAYI *", &"sequences".into(), 1);
    /// assert_eq!(protein.sequence, b"MKTAYI");
    /// ```
    #[must_use]
    pub fn given(id: &str, sequence: &str, source: &Arc<str>, number: u64) -> Self {
        let mut residues: Vec<u8> = sequence.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        let problem = clean(&mut residues).is_none().then(|| "the sequence holds a NUL byte".to_owned());
        Self {
            id: id.to_owned(),
            description: String::new(),
            sequence: residues,
            source: Arc::clone(source),
            line: number,
            problem,
        }
    }

    /// Whether the sequence is so long (20 letters or more) and of so few letters (A, C, G, T, U, N) that it is more
    /// likely a nucleotide sequence.
    pub fn looks_like_nucleotides(&self) -> bool {
        self.sequence.len() >= 20 && self.sequence.iter().all(|letter| b"ACGTUN".contains(letter))
    }
}

/// A header line, parsed.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) line: u64,
    /// The bytes of the header, blanks included.
    pub(super) length: usize,
    pub(super) has_nul: bool,
}

impl Header {
    /// Splits the bytes after `>` at the first blank.
    pub(super) fn parse(bytes: &[u8], line: u64) -> Self {
        let (length, has_nul) = (bytes.len(), memchr(0, bytes).is_some());
        let bytes = bytes.trim_ascii();
        let end = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
        let (id, description) = bytes.split_at(end);
        Self { id: text(id), description: text(description.trim_ascii_start()), line, length, has_nul }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Drops blanks and one `*` at the end, and makes letters upper case; `None` when there is a NUL byte.
pub(super) fn clean(sequence: &mut Vec<u8>) -> Option<()> {
    if memchr(0, sequence).is_some() {
        return None;
    }
    if memchr2(b' ', b'\t', sequence).is_some() {
        sequence.retain(|byte| !matches!(byte, b' ' | b'\t'));
    }
    if sequence.last() == Some(&b'*') {
        sequence.pop();
    }
    sequence.make_ascii_uppercase();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_header_with_blanks_before_the_id() {
        let header = Header::parse(b" \tsp|P1\t two  words \r", 7);
        assert_eq!((header.id.as_str(), header.description.as_str(), header.line), ("sp|P1", "two  words", 7));
    }

    #[test]
    fn parse_header_with_nothing_in_it() {
        let header = Header::parse(b"", 1);
        assert_eq!((header.id.as_str(), header.description.as_str()), ("", ""));
    }

    #[test]
    fn parse_header_with_bytes_that_are_not_utf8() {
        assert_eq!(Header::parse(b"prot\xE9ine d\xC3\xA9j\xC3\xA0", 1).id, "prot\u{FFFD}ine");
        assert_eq!(Header::parse(b"prot\xE9ine d\xC3\xA9j\xC3\xA0", 1).description, "d\u{e9}j\u{e0}");
    }

    #[test]
    fn clean_drops_one_star_only() {
        let mut sequence = b"m*k ta\t**  ".to_vec();
        assert_eq!(clean(&mut sequence), Some(()));
        assert_eq!(sequence, b"M*KTA*");
    }

    #[test]
    fn clean_refuses_nul() {
        assert_eq!(clean(&mut b"MK\0".to_vec()), None);
    }
}
