use std::ops::Range;

use bio::alphabets::dna;

use super::codons::{Codon, Codons, check};
use crate::read::Protein;

/// An open reading frame in one frame of one strand.
#[derive(Debug, PartialEq, Eq)]
struct Orf {
    /// Its codons, the stop codon included.
    codons: Range<usize>,
    protein: Vec<u8>,
}

/// The open reading frames of a record: frames 1, 2, 3, then -1, -2, -3 (from the record's end backwards), each in order.
///
/// One begins at the first start codon after a stop codon, a gap (`NNN`) or the beginning, and ends with the next stop
/// codon, or where a gap or the end of the sequence cuts it. Its id is `<id>_orf<frame>_<start>-<end>` with 1-based
/// positions on the record as it is given, the stop codon included; start is the lower one on both strands.
pub(super) fn find(
    codons: &Codons,
    record: &Protein,
    min_length: usize,
    alternative_starts: bool,
) -> Result<Vec<Protein>, String> {
    check(&record.sequence)?;
    let forward: Vec<u8> = record.sequence.iter().map(|base| if *base == b'U' { b'T' } else { *base }).collect();
    let reverse = dna::revcomp(&forward);
    let mut proteins = Vec::new();
    for (strand, sequence) in [("", &forward), ("-", &reverse)] {
        for offset in 0..3 {
            let frame = sequence.get(offset..).unwrap_or_default();
            for orf in scan(codons.read(frame), alternative_starts) {
                if orf.protein.len() >= min_length.max(1) {
                    proteins.push(name(record, strand, offset, orf));
                }
            }
        }
    }
    if proteins.is_empty() {
        return Err(format!("no open reading frame of {min_length} residues or more in any of the six frames"));
    }
    Ok(proteins)
}

fn scan(codons: impl Iterator<Item = Codon>, alternative_starts: bool) -> Vec<Orf> {
    let mut found = Vec::new();
    let mut open: Option<Orf> = None;
    for (index, codon) in codons.enumerate() {
        if codon.is_gap {
            found.extend(open.take());
        } else if codon.ends {
            if let Some(orf) = open.take() {
                found.push(Orf { codons: orf.codons.start..index + 1, ..orf });
            }
        } else if let Some(orf) = &mut open {
            orf.codons.end = index + 1;
            orf.protein.push(codon.amino_acid);
        } else if codon.is_atg || (alternative_starts && codon.starts) {
            open = Some(Orf { codons: index..index + 1, protein: vec![b'M'] });
        }
    }
    found.extend(open);
    found
}

fn name(record: &Protein, strand: &str, offset: usize, orf: Orf) -> Protein {
    let (start, end) = (offset + 3 * orf.codons.start + 1, offset + 3 * orf.codons.end);
    let length = record.sequence.len();
    let (start, end) = if strand.is_empty() { (start, end) } else { (length + 1 - end, length + 1 - start) };
    let id = format!("{}_orf{strand}{}_{start}-{end}", record.id, offset + 1);
    Protein { id, sequence: orf.protein, ..record.clone_without_sequence() }
}

#[cfg(test)]
mod tests {
    use bio::seq_analysis::orf::Finder;

    use super::*;
    use crate::read::translate::GeneticCode;

    fn record(sequence: &[u8]) -> Protein {
        let (id, source) = ("c".into(), "c.fna".into());
        Protein { id, description: String::new(), sequence: sequence.to_vec(), source, line: 1, problem: None }
    }

    fn orfs(sequence: &[u8], min_length: usize, alternative_starts: bool) -> Vec<String> {
        let codons = Codons::new(GeneticCode::by_id(11).unwrap());
        let found = find(&codons, &record(sequence), min_length, alternative_starts);
        let show = |orf: &Protein| format!("{} {}", orf.id, String::from_utf8_lossy(&orf.sequence));
        found.unwrap_or_default().iter().map(show).collect()
    }

    #[test]
    fn find_orf_on_either_strand() {
        assert_eq!(orfs(b"CCATGAAATAAC", 2, false), ["c_orf3_3-11 MK"]);
        assert_eq!(orfs(b"GTTATTTCATGG", 2, false), ["c_orf-3_2-10 MK"]);
        assert_eq!(orfs(b"GUUAUUUCAUGG", 2, false), ["c_orf-3_2-10 MK"]);
    }

    #[test]
    fn find_orf_from_its_first_start_only() {
        assert_eq!(orfs(b"ATGAAAATGTAA", 1, false), ["c_orf1_1-12 MKM"]);
    }

    #[test]
    fn find_orf_that_runs_off_the_end() {
        assert_eq!(orfs(b"ATGAAACC", 2, false), ["c_orf1_1-6 MK"]);
    }

    #[test]
    fn find_orf_up_to_a_gap() {
        assert_eq!(orfs(b"ATGAAANNNAAATAA", 2, false), ["c_orf1_1-6 MK"]);
        assert_eq!(orfs(b"ATGANAAAATAA", 2, false), ["c_orf1_1-12 MXK"]);
    }

    #[test]
    fn find_orf_with_alternative_start() {
        assert_eq!(orfs(b"TTGAAACCCTAA", 3, false), [""; 0]);
        assert_eq!(orfs(b"TTGAAACCCTAA", 3, true), ["c_orf1_1-12 MKP"]);
    }

    #[test]
    fn find_no_orf_gives_the_reason() {
        let codons = Codons::new(GeneticCode::by_id(1).unwrap());
        let reason = find(&codons, &record(b"CCC"), 30, false).unwrap_err();
        assert_eq!(reason, "no open reading frame of 30 residues or more in any of the six frames");
    }

    /// The forward frames agree with `bio`'s finder, which reports every start of a frame and no open end.
    #[test]
    fn find_the_same_orfs_as_bio() {
        let mut state = 7_u32;
        let sequence: Vec<u8> = (0..30_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"TCAG"[((state >> 20) & 3) as usize]
            })
            .collect();
        let finder = Finder::new(vec![b"ATG"], vec![b"TAA", b"TAG", b"TGA"], 3 * 30);
        let mut expected: Vec<(usize, usize)> =
            finder.find_all(&sequence).map(|orf| (orf.end, orf.start + 1)).collect();
        expected.sort_unstable();
        expected.dedup_by_key(|(end, _)| *end);
        let codons = Codons::new(GeneticCode::by_id(1).unwrap());
        let mut found = Vec::new();
        for offset in 0..3 {
            for orf in scan(codons.read(&sequence[offset..]), false) {
                if orf.codons.len() >= 30 && orf.codons.len() > orf.protein.len() {
                    found.push((offset + 3 * orf.codons.end, offset + 3 * orf.codons.start + 1));
                }
            }
        }
        found.sort_unstable();
        assert!(found.len() > 20);
        assert_eq!(found, expected);
    }
}
