use memchr::memchr;

use super::codons::{Codon, Codons, check};

/// Translates one coding sequence: a start codon in front is M, a stop codon at the end is dropped.
pub(super) fn translate(codons: &Codons, sequence: &[u8]) -> Result<Vec<u8>, String> {
    check(sequence)?;
    let length = sequence.len();
    if !length.is_multiple_of(3) {
        return Err(format!("expected a coding sequence whose length is a multiple of 3, found {length} nucleotides"));
    }
    let mut meanings: Vec<Codon> = codons.read(sequence).collect();
    meanings.pop_if(|last| last.ends);
    let mut protein: Vec<u8> = meanings.iter().map(|codon| codon.amino_acid).collect();
    if let (Some(first), Some(letter)) = (meanings.first(), protein.first_mut())
        && first.starts
    {
        *letter = b'M';
    }
    match memchr(b'*', &protein) {
        None => Ok(protein),
        Some(at) => {
            let codon = sequence.get(3 * at..3 * at + 3).unwrap_or_default().escape_ascii();
            let (codons, position) = (length / 3, 3 * at + 1);
            Err(format!("stop codon `{codon}` at nucleotide {position} (codon {} of {codons}), before the end", at + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::translate::GeneticCode;

    fn translated(table: u8, sequence: &str) -> Result<String, String> {
        let codons = Codons::new(GeneticCode::by_id(table).unwrap());
        translate(&codons, sequence.as_bytes()).map(|protein| String::from_utf8(protein).unwrap())
    }

    #[test]
    fn translate_with_alternative_start_codon() {
        assert_eq!(translated(11, "GTGGTGTAA").unwrap(), "MV");
        assert_eq!(translated(1, "GTGGTGTAA").unwrap(), "VV");
    }

    #[test]
    fn translate_part_without_start_and_stop() {
        assert_eq!(translated(1, "GCNAAR").unwrap(), "AK");
    }

    #[test]
    fn translate_with_ambiguous_codon() {
        assert_eq!(translated(1, "ATGNNNUGA").unwrap(), "MX");
    }

    #[test]
    fn translate_where_a_stop_codon_is_an_amino_acid_inside() {
        assert_eq!(translated(27, "ATGTGATGA").unwrap(), "MW");
        assert_eq!(translated(28, "ATGTAATAA").unwrap(), "MQ");
    }

    #[test]
    fn translate_stop_codon_alone() {
        assert_eq!(translated(1, "TAA").unwrap(), "");
    }

    #[test]
    fn refuse_stop_codon_inside() {
        let message = "stop codon `TRA` at nucleotide 4 (codon 2 of 4), before the end";
        assert_eq!(translated(1, "ATGTRAAAATAA").unwrap_err(), message);
    }

    #[test]
    fn refuse_length_that_is_no_multiple_of_3() {
        let message = "expected a coding sequence whose length is a multiple of 3, found 5 nucleotides";
        assert_eq!(translated(1, "ATGTA").unwrap_err(), message);
    }

    #[test]
    fn refuse_letter_that_is_no_nucleotide() {
        assert_eq!(translated(1, "ATG-AA").unwrap_err(), "expected nucleotides, found `-` at position 4");
        assert_eq!(translate(&Codons::new(GeneticCode::by_id(1).unwrap()), b"AT\xC3"), {
            Err("expected nucleotides, found `\\xc3` at position 3".into())
        });
    }
}
