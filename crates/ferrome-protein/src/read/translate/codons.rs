use super::GeneticCode;

const ATG: usize = 35;

/// A codon's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Codon {
    /// The amino acid; `*` if it is always a stop, `X` if it can stand for several.
    pub(super) amino_acid: u8,
    /// Whether the table lets a protein start here.
    pub(super) starts: bool,
    /// Whether it is `ATG`.
    pub(super) is_atg: bool,
    /// Whether the table lets a protein end here.
    pub(super) ends: bool,
    /// Whether it is `NNN`, of which assemblies make their gaps.
    pub(super) is_gap: bool,
}

/// The meanings of all codons over the IUPAC letters: a letter is the set of bases it stands for, one bit for each of T,
/// C, A, G, and a codon is the number that three of these make.
#[derive(Clone, Debug)]
pub(super) struct Codons(Vec<Codon>);

impl Codons {
    pub(super) fn new(code: &GeneticCode) -> Self {
        Self((0..1 << 12).map(|codon| resolve(code, codon)).collect())
    }

    /// The meaning of three letters, which [`base`] knows.
    pub(super) fn get(&self, letters: [u8; 3]) -> Codon {
        let index = letters.iter().fold(0, |index, letter| (index << 4) | usize::from(base(*letter).unwrap_or(0)));
        self.0.get(index).copied().unwrap_or(UNKNOWN)
    }

    /// The meanings of a sequence read in frame.
    pub(super) fn read<'a>(&'a self, sequence: &'a [u8]) -> impl Iterator<Item = Codon> + 'a {
        let (codons, _) = sequence.as_chunks::<3>();
        codons.iter().map(|letters| self.get(*letters))
    }
}

const UNKNOWN: Codon = Codon { amino_acid: b'X', starts: false, is_atg: false, ends: false, is_gap: false };

fn resolve(code: &GeneticCode, codon: usize) -> Codon {
    let bits = [(codon >> 8) & 15, (codon >> 4) & 15, codon & 15];
    let mut candidates = (0..64).filter(|index| {
        let bases = [index >> 4, (index >> 2) & 3, index & 3];
        bases.iter().zip(bits).all(|(base, set)| (set >> base) & 1 == 1)
    });
    let meaning = |index: usize| {
        let start = code.starts.get(index).copied().unwrap_or_default();
        let amino_acid = code.amino_acids.get(index).copied().unwrap_or(b'X');
        Codon { amino_acid, starts: start == b'M', is_atg: index == ATG, ends: start == b'*', is_gap: false }
    };
    let Some(first) = candidates.next().map(meaning) else { return UNKNOWN };
    candidates.map(meaning).fold(first, |one, other| Codon {
        amino_acid: if one.amino_acid == other.amino_acid { one.amino_acid } else { b'X' },
        starts: one.starts && other.starts,
        is_atg: false,
        ends: one.ends && other.ends,
        is_gap: codon == 0xFFF,
    })
}

/// The set of bases that a letter stands for, or `None` if it is no nucleotide.
pub(super) fn base(letter: u8) -> Option<u8> {
    const T: u8 = 1;
    const C: u8 = 2;
    const A: u8 = 4;
    const G: u8 = 8;
    Some(match letter {
        b'T' | b'U' => T,
        b'C' => C,
        b'A' => A,
        b'G' => G,
        b'Y' => C | T,
        b'R' => A | G,
        b'W' => A | T,
        b'S' => C | G,
        b'K' => G | T,
        b'M' => A | C,
        b'B' => C | G | T,
        b'D' => A | G | T,
        b'H' => A | C | T,
        b'V' => A | C | G,
        b'N' | b'X' => A | C | G | T,
        _ => return None,
    })
}

/// The first letter that is no nucleotide, as a reason to refuse the record.
pub(super) fn check(sequence: &[u8]) -> Result<(), String> {
    match sequence.iter().position(|letter| base(*letter).is_none()) {
        None => Ok(()),
        Some(at) => {
            let letter = sequence.get(at).copied().unwrap_or_default();
            Err(format!("expected nucleotides, found `{}` at position {}", letter.escape_ascii(), at + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amino_acid(table: u8, codon: &[u8; 3]) -> char {
        Codons::new(GeneticCode::by_id(table).unwrap()).get(*codon).amino_acid.into()
    }

    #[test]
    fn read_codons_of_the_standard_code() {
        for (codon, expected) in
            [(b"ATG", 'M'), (b"TGG", 'W'), (b"TTT", 'F'), (b"GGG", 'G'), (b"AUG", 'M'), (b"TAA", '*')]
        {
            assert_eq!(amino_acid(1, codon), expected);
        }
    }

    #[test]
    fn read_ambiguous_codons_that_agree() {
        let cases =
            [(b"TTR", 'L'), (b"YTR", 'L'), (b"MGR", 'R'), (b"GCN", 'A'), (b"TAR", '*'), (b"TRA", '*'), (b"GCX", 'A')];
        for (codon, expected) in cases {
            assert_eq!(amino_acid(1, codon), expected);
        }
    }

    #[test]
    fn read_ambiguous_codons_that_do_not_agree() {
        for codon in [b"NNN", b"RAY", b"TGR", b"ATN"] {
            assert_eq!(amino_acid(1, codon), 'X');
        }
    }

    #[test]
    fn read_codons_that_differ_between_codes() {
        assert_eq!([1, 2, 4, 25].map(|table| amino_acid(table, b"TGA")), ['*', 'W', 'W', 'G']);
        assert_eq!([1, 12, 26].map(|table| amino_acid(table, b"CTG")), ['L', 'S', 'A']);
    }

    #[test]
    fn read_ambiguous_start_only_if_all_start() {
        let codons = Codons::new(GeneticCode::by_id(11).unwrap());
        assert!(codons.get(*b"NTG").starts && codons.get(*b"ATN").starts);
        assert!(!codons.get(*b"TTN").starts && !codons.get(*b"NTG").is_atg);
    }
}
