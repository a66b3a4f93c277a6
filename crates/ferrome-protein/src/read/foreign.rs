//! What a file that is not FASTA looks like, so that its message can say so.

use memchr::memchr;

/// How many bytes [`file`] looks at: enough for the mark of a tar archive.
pub(super) const HEAD: usize = 512;

/// Other files by their first bytes.
const MARKS: &[(&[u8], &str)] = &[
    (b"\xFF\xFE", "UTF-16 text (save it as UTF-8)"),
    (b"\xFE\xFF", "UTF-16 text (save it as UTF-8)"),
    (b">\0", "UTF-16 text (save it as UTF-8)"),
    (b"\0>", "UTF-16 text (save it as UTF-8)"),
    (b"PK\x03\x04", "a zip archive (unpack it first)"),
    (b"BZh", "bzip2 data (decompress it first)"),
    (b"\xFD7zXZ", "xz data (decompress it first)"),
    (b"\x28\xB5\x2F\xFD", "Zstandard data (decompress it first)"),
    (b"7z\xBC\xAF", "a 7-Zip archive (unpack it first)"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF"),
    (b"BAM\x01", "a BAM file"),
    (b"CRAM", "a CRAM file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"# STOCKHOLM", "a Stockholm alignment"),
    (b"##gff-version", "a GFF annotation"),
    (b"##fileformat=VCF", "a VCF file"),
    (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull`)"),
];

/// Other text by the start of its first line; the line is shown as well.
const STARTS: &[(&[u8], &str)] = &[
    (b"@HD\t", "SAM"),
    (b"@SQ\t", "SAM"),
    (b"@", "FASTQ"),
    (b"LOCUS ", "GenBank"),
    (b"ID   ", "EMBL or UniProt text"),
    (b"CLUSTAL", "a Clustal alignment"),
    (b"HEADER ", "a PDB structure"),
    (b"ATOM ", "a PDB structure"),
    (b"data_", "mmCIF"),
    (b"<", "a web page or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
];

/// The two letters of `>P1;`, by which PIR (NBRF) says what follows.
const PIR: [&[u8; 2]; 9] = [b"P1", b"F1", b"DL", b"DC", b"RL", b"RC", b"N1", b"N3", b"XX"];

/// What the first bytes of an input say it is, if it is surely not FASTA.
pub(super) fn file(head: &[u8]) -> Option<String> {
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive (unpack it first)".into());
    }
    MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, what)| (*what).into())
}

/// What the first line looks like when it is not a FASTA header.
pub(super) fn line(line: &[u8]) -> String {
    let shown = line.get(..60).unwrap_or(line);
    if memchr(0, shown).is_some() || 4 * shown.iter().filter(|byte| is_control(**byte)).count() > shown.len() {
        return "binary data".into();
    }
    let dots = if shown.len() < line.len() { "..." } else { "" };
    let shown = String::from_utf8_lossy(shown);
    let printable: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match STARTS.iter().find(|(start, _)| line.starts_with(start)) {
        Some((_, what)) => format!("`{printable}{dots}` ({what}?)"),
        None => format!("`{printable}{dots}`"),
    }
}

/// Whether the bytes after `>` are those of a PIR record, whose second line is a title and not a sequence.
pub(super) fn is_pir(header: &[u8]) -> bool {
    header.get(2) == Some(&b';') && PIR.iter().any(|code| header.starts_with(*code))
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognise_binary_files() {
        assert_eq!(file(b"PAR1\x15\x04").as_deref(), Some("a Parquet file"));
        assert_eq!(file(b"\xFF\xFE>\0a\0").as_deref(), Some("UTF-16 text (save it as UTF-8)"));
        assert_eq!(file(b">sp|P1\nMK\n"), None);
        let mut archive = [b'a'; HEAD];
        archive[257..262].copy_from_slice(b"ustar");
        assert_eq!(file(&archive).as_deref(), Some("a tar archive (unpack it first)"));
    }

    #[test]
    fn recognise_lines() {
        assert_eq!(line(b"@SRR1 length=36"), "`@SRR1 length=36` (FASTQ?)");
        assert_eq!(line(b"@SQ\tSN:chr1"), "`@SQ SN:chr1` (SAM?)");
        assert_eq!(line(b"MKT\x1bAYI"), "`MKT AYI`");
        assert_eq!(line(b"\x01\x02\x03\x04abc"), "binary data");
        assert_eq!(line(&[b'M'; 61]), format!("`{}...`", "M".repeat(60)));
    }

    #[test]
    fn recognise_pir() {
        assert!(is_pir(b"P1;CRAB_ANAPL"));
        assert!(!is_pir(b"P1 x") && !is_pir(b"sp|P1") && !is_pir(b"AB;C"));
    }
}
