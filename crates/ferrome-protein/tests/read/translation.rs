use std::{fs, path::Path};

use bio::alphabets::dna;
use ferrome_protein::{
    Error, ReadError,
    read::{
        Fasta, Protein, open,
        translate::{Mode, Translation},
    },
};

use super::{records, shared, threads};

fn translated(path: &Path, translation: Translation) -> Vec<Protein> {
    translation.apply(open(path, threads()).unwrap()).collect::<Result<_, _>>().unwrap()
}

#[test]
fn translate_plasmid_genes_into_its_proteins() {
    let Some(folder) = shared("biopython_tests") else { return };
    let found = translated(&folder.join("GenBank/NC_005816.ffn"), Translation::cds(11).unwrap());
    let expected = records(&folder.join("GenBank/NC_005816.faa")).unwrap();
    assert_eq!((found.len(), expected.len()), (10, 10));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.problem, None, "{}", found.id);
        assert_eq!(found.sequence, expected.sequence, "{}", found.id);
    }
}

/// Every protein of the plasmid is the end of an open reading frame that starts at any start codon. Six of the ten genes
/// start with ATG; two others lie in a longer frame that does.
#[test]
fn find_plasmid_proteins_as_orfs() {
    let Some(folder) = shared("biopython_tests") else { return };
    let genome = folder.join("GenBank/NC_005816.fna");
    let expected = records(&folder.join("GenBank/NC_005816.faa")).unwrap();
    let count = |orfs: &[Protein]| {
        let found = |protein: &&Protein| orfs.iter().any(|orf| orf.sequence.ends_with(&protein.sequence[1..]));
        expected.iter().filter(found).count()
    };
    let any_start = Mode::Orfs { min_length: 30, alternative_starts: true };
    assert_eq!(count(&translated(&genome, Translation::new(11, any_start).unwrap())), 10);
    let orfs = translated(&genome, Translation::orfs(11, 30).unwrap());
    assert_eq!(count(&orfs), 8);
    assert!(orfs[0].id.starts_with("gi|45478711|ref|NC_005816.1|_orf1_"), "{}", orfs[0].id);
}

#[test]
fn translate_ncbi_genes_and_a_pseudogene_without_start() {
    let Some(folder) = shared("pyhmmer_tests") else { return };
    let found = translated(&folder.join("seqs/CP040672.1.genes_100.fna"), Translation::cds(11).unwrap());
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|record| record.problem.is_none()));
    let partial: Vec<_> = found.iter().filter(|record| !record.sequence.starts_with(b"M")).collect();
    assert_eq!(partial.len(), 1);
    assert!(partial[0].description.contains("[pseudo=true] [partial=5']"));
    let one = translated(&folder.join("seqs/bmyD.fna"), Translation::cds(11).unwrap());
    assert!(one[0].problem.is_none() && one[0].sequence.starts_with(b"MNNLAFLFPGQGSQFVGM"));
}

#[test]
fn keep_proteins_given_as_nucleotides_as_rows_with_a_reason() {
    let bytes = b">p\nMKTAYIAKQR\n>empty\n>gene\nATGAAATAG\n";
    let records = Fasta::from_reader(&bytes[..], "a.fa", threads()).unwrap();
    let found: Vec<Protein> = Translation::orfs(1, 2).unwrap().apply(records).collect::<Result<_, _>>().unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].problem.as_deref(), Some("expected nucleotides, found `I` at position 6"));
    assert_eq!((found[1].problem.as_deref(), found[1].sequence.as_slice()), (None, &b""[..]));
    assert_eq!((found[2].id.as_str(), found[2].sequence.as_slice(), found[2].line), ("gene_orf1_1-9", &b"MK"[..], 4));
}

#[test]
fn refuse_unknown_genetic_code() {
    assert!(matches!(Translation::cds(8), Err(Error::Read(ReadError::GeneticCode { found: 8 }))));
}

/// All coding sequences of yeast chromosome I against the translations in its GenBank file.
#[test]
fn translate_yeast_chromosome_into_its_proteins() {
    let Some(folder) = shared("biotite_sequence_tests") else { return };
    let text = fs::read_to_string(folder.join("sc_chrom1.gb")).unwrap();
    let (features, origin) = text.split_once("\nORIGIN").unwrap();
    let genome: Vec<u8> =
        origin.bytes().filter(u8::is_ascii_alphabetic).map(|base| base.to_ascii_uppercase()).collect();
    let mut fasta = Vec::new();
    let mut expected = Vec::new();
    for feature in features.split("\n     CDS ").skip(1) {
        let feature = feature.split("\n     gene ").next().unwrap();
        let (location, qualifiers) = feature.split_once("\n                     /").unwrap();
        let Some((_, translation)) = qualifiers.split_once("/translation=\"") else { continue };
        let translation = translation.split('"').next().unwrap();
        expected.push(translation.replace(char::is_whitespace, ""));
        fasta.extend_from_slice(b">cds\n");
        fasta.extend(splice(&genome, &location.replace(char::is_whitespace, "")));
        fasta.push(b'\n');
    }
    let records = Fasta::from_reader(std::io::Cursor::new(fasta), "chrI", threads()).unwrap();
    let found: Vec<Protein> = Translation::cds(1).unwrap().apply(records).collect::<Result<_, _>>().unwrap();
    assert_eq!((found.len(), expected.len()), (94, 94));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.problem, None);
        assert_eq!(String::from_utf8_lossy(&found.sequence), expected.as_str());
    }
}

/// `12..34`, `join(1..2,5..9)` and `complement(...)` of these.
fn splice(genome: &[u8], location: &str) -> Vec<u8> {
    if let Some(inner) = location.strip_prefix("complement(") {
        return dna::revcomp(splice(genome, inner.strip_suffix(')').unwrap()));
    }
    let inner = location.strip_prefix("join(").map_or(location, |inner| inner.strip_suffix(')').unwrap());
    let span = |span: &str| {
        let (start, end) = span.split_once("..").unwrap();
        let position = |text: &str| text.trim_matches(['<', '>']).parse::<usize>().unwrap();
        genome[position(start) - 1..position(end)].to_vec()
    };
    inner.split(',').flat_map(span).collect()
}
