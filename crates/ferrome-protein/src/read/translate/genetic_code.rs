use super::ncbi;
use crate::{ReadError, Result};

/// One genetic code as NCBI defines it: 64 codons in the order of the letters T, C, A, G, the third changing fastest.
#[derive(Debug)]
pub struct GeneticCode {
    /// NCBI's number.
    pub id: u8,
    /// NCBI's name.
    pub name: &'static str,
    /// The amino acid of each codon, `*` for a stop.
    pub amino_acids: &'static [u8; 64],
    /// `M` for a codon that can start a protein, `*` for one that can end it. In tables 27, 28 and 31 the latter include
    /// codons that are amino acids elsewhere in the same gene.
    pub starts: &'static [u8; 64],
}

impl GeneticCode {
    /// The code of NCBI's number `id`.
    ///
    /// # Errors
    ///
    /// There is none.
    ///
    /// ```
    /// use ferrome_protein::read::translate::GeneticCode;
    ///
    /// assert_eq!(GeneticCode::by_id(11)?.name, "Bacterial, Archaeal and Plant Plastid");
    /// assert!(GeneticCode::by_id(7).is_err());
    /// # Ok::<(), ferrome_protein::Error>(())
    /// ```
    pub fn by_id(id: u8) -> Result<&'static Self> {
        Self::all().iter().find(|code| code.id == id).ok_or_else(|| ReadError::GeneticCode { found: id }.into())
    }

    /// All codes, by number.
    pub fn all() -> &'static [Self] {
        &ncbi::GENETIC_CODES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_published_numbers() {
        let ids: Vec<u8> = GeneticCode::all().iter().map(|code| code.id).collect();
        let expected: Vec<u8> = (1..=6).chain(9..=16).chain(21..=33).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn codes_agree_with_themselves() {
        for code in GeneticCode::all() {
            for (amino_acid, start) in code.amino_acids.iter().zip(code.starts) {
                assert!(b"ACDEFGHIKLMNPQRSTVWY*".contains(amino_acid), "{}", code.name);
                assert!(b"M*-".contains(start), "{}", code.name);
                assert!(*amino_acid != b'*' || *start == b'*', "{}", code.name);
            }
            assert_eq!(code.starts[35], b'M', "ATG starts in {}", code.name);
        }
    }

    #[test]
    fn codes_with_stops_that_depend_on_context() {
        let dual =
            |code: &&GeneticCode| code.amino_acids.iter().zip(code.starts).any(|(a, s)| *s == b'*' && *a != b'*');
        let ids: Vec<u8> = GeneticCode::all().iter().filter(dual).map(|code| code.id).collect();
        assert_eq!(ids, [27, 28, 31]);
    }
}
