//! Residues to tokens: the 33-token alphabet of ESM-2, ESM-1b and ESM-1v.

/// Tokens in the order of their ids, as in facebookresearch/esm `esm/constants.py` and the published `vocab.txt`.
pub const TOKENS: [&str; 33] = [
    "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E", "R", "T", "I", "D", "P", "K", "Q", "N", "F", "Y",
    "M", "H", "W", "C", "X", "B", "U", "Z", "O", ".", "-", "<null_1>", "<mask>",
];
/// Token before the first residue.
pub const CLS: u8 = 0;
/// Token after the last residue.
pub const EOS: u8 = 2;
/// Token of a hidden residue.
pub const MASK: u8 = 32;
/// Tokens of the twenty standard amino acids.
pub const STANDARD: std::ops::Range<u8> = 4..24;

/// Why a sequence has no tokens.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotTokens {
    /// There is nothing to tokenize.
    #[error("sequence is empty")]
    Empty,
    /// A letter that the alphabet does not have.
    #[error("{} at residue {position} is not an amino-acid letter of ESM (20 standard letters, X B U Z O . - and <mask>)", letter(.byte))]
    Letter {
        /// The byte.
        byte: u8,
        /// Counted from 1.
        position: usize,
    },
}

fn letter(byte: &u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}`", char::from(*byte)) } else { format!("byte 0x{byte:02x}") }
}

/// Tokens of the residues of an upper-case sequence, without `<cls>` and `<eos>`; `<mask>` stands for a hidden residue.
///
/// # Errors
///
/// Nothing to tokenize, or the first letter that the alphabet does not have.
///
/// ```
/// use ferrome_protein::tokenize::residues;
/// assert_eq!(residues(b"MK<MASK>X")?, [20, 15, 32, 24]);
/// let refused = residues(b"MKJ").unwrap_err().to_string();
/// assert_eq!(refused, "`J` at residue 3 is not an amino-acid letter of ESM (20 standard letters, X B U Z O . - and <mask>)");
/// # Ok::<(), ferrome_protein::tokenize::NotTokens>(())
/// ```
pub fn residues(sequence: &[u8]) -> Result<Vec<u8>, NotTokens> {
    let mut tokens = Vec::with_capacity(sequence.len() + 2);
    let mut rest = sequence;
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"<MASK>") {
            tokens.push(MASK);
            rest = after;
            continue;
        }
        let token = single(byte).ok_or(NotTokens::Letter { byte, position: tokens.len() + 1 })?;
        tokens.push(token);
        rest = after;
    }
    if tokens.is_empty() { Err(NotTokens::Empty) } else { Ok(tokens) }
}

/// How many residues an upper-case sequence has, whatever its letters; `<mask>` stands for one.
///
/// ```
/// use ferrome_protein::tokenize::length;
/// assert_eq!(length(b"MK<MASK>J"), 4);
/// ```
#[must_use]
pub fn length(sequence: &[u8]) -> usize {
    const HIDDEN: &[u8] = b"<MASK>";
    sequence.len() - (HIDDEN.len() - 1) * memchr::memmem::find_iter(sequence, HIDDEN).count()
}

/// `<cls>`, the residues, `<eos>`.
#[must_use]
pub fn framed(residues: &[u8]) -> Vec<u8> {
    [&[CLS], residues, &[EOS]].concat()
}

fn single(byte: u8) -> Option<u8> {
    const TABLE: [u8; 256] = table();
    TABLE.get(usize::from(byte)).copied().filter(|&token| token != 0)
}

// Every token of one letter; 0 (<cls>) stands for none.
const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut id = 0;
    while id < TOKENS.len() {
        let token = TOKENS[id].as_bytes();
        if token.len() == 1 {
            table[token[0] as usize] = id as u8;
        }
        id += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_alphabet_has_its_published_id() {
        assert_eq!(residues(b"LAGVSERTIDPKQNFYMHWCXBUZO.-").unwrap(), (4..=30).collect::<Vec<u8>>());
    }

    #[test]
    fn lower_case_and_stop_are_refused() {
        assert_eq!(residues(b"MKl"), Err(NotTokens::Letter { byte: b'l', position: 3 }));
        assert_eq!(residues(b"M*K"), Err(NotTokens::Letter { byte: b'*', position: 2 }));
    }

    #[test]
    fn position_counts_a_mask_as_one_residue() {
        assert_eq!(residues(b"<MASK>J"), Err(NotTokens::Letter { byte: b'J', position: 2 }));
    }

    #[test]
    fn byte_outside_ascii_is_shown_as_a_number() {
        let message = residues("MÄ".as_bytes()).unwrap_err().to_string();
        assert!(message.starts_with("byte 0xc3 at residue 2 is not"), "{message}");
    }

    #[test]
    fn sequence_of_nothing() {
        assert_eq!(residues(b"").unwrap_err().to_string(), "sequence is empty");
    }
}
