use std::{path::Path, time::Instant};

use ferrome_protein::read::{Survey, survey};

use super::{contents, records, shared};

fn counts(path: &Path) -> (u64, u64) {
    let Survey { records, residues, .. } = survey(path).unwrap().unwrap();
    (records, residues)
}

#[test]
fn read_ecoli_in_every_compression() {
    let (Some(ecoli), Some(derived)) = (shared("ecoli_k12_UP000000625"), shared("derived_formats")) else { return };
    let path = ecoli.join("UP000000625_83333.fasta");
    assert_eq!(counts(&path), (4_391, 1_354_179));
    let plain = records(&path).unwrap();
    for file in ["ecoli.fasta.gz", "ecoli.fasta.bgz"] {
        assert_eq!(contents(&records(&derived.join(file)).unwrap()), contents(&plain), "{file}");
    }
    let mut lengths: Vec<usize> = plain.iter().map(|protein| protein.sequence.len()).collect();
    lengths.sort_unstable();
    assert_eq!((lengths[0], lengths[lengths.len() / 2], lengths[lengths.len() - 1]), (8, 271, 2_358));
    let count = |letter| plain.iter().flat_map(|protein| &protein.sequence).filter(|found| **found == letter).count();
    assert_eq!((count(b'U'), count(b'X')), (3, 8));
    assert_eq!(plain[0].id, "sp|A0A385XJ53|INSA9_ECOLI");
}

#[test]
fn read_query_in_every_form() {
    let (Some(original), Some(derived)) = (shared("mmseqs2_query"), shared("derived_formats")) else { return };
    let plain = records(&original.join("QUERY.fasta")).unwrap();
    assert_eq!(plain.len(), 500);
    let files = [
        "bom.fasta",
        "crlf.fasta",
        "lower.fasta",
        "oneline_noeol.fasta",
        "two_members.fasta.gz",
        "wrap60_blank_lines.fasta",
    ];
    for file in files {
        let read = records(&derived.join(format!("query_{file}"))).unwrap();
        assert_eq!(contents(&read), contents(&plain), "{file}");
    }
}

#[test]
fn report_where_a_real_gzip_file_is_cut() {
    let Some(derived) = shared("derived_formats") else { return };
    let path = derived.join("query_truncated.fasta.gz");
    let message = records(&path).unwrap_err().to_string();
    let expected = "record `tr|C1FY42|C1FY42_DASNO` (line 663), after 331 whole records: expected more gzip data, found \
                    the end of the file (is it cut short?)";
    assert_eq!(message, format!("{}: {expected}", path.display()));
}

#[test]
fn read_dirty_prodigal_proteins() {
    let Some(folder) = shared("pyhmmer_tests") else { return };
    let proteins = records(&folder.join("seqs/938293.PRJEB85.HG003687.faa")).unwrap();
    assert_eq!(proteins.len(), 2_100);
    let letters = || proteins.iter().flat_map(|protein| &protein.sequence);
    assert_eq!(letters().filter(|letter| **letter == b'*').count(), 0);
    assert_eq!(letters().filter(|letter| **letter == b'X').count(), 4_190);
    // 4,560 with the star.
    assert_eq!(proteins.iter().map(|protein| protein.sequence.len()).max(), Some(4_559));
}

#[test]
fn read_human_proteins_up_to_mucin_16() {
    let Some(folder) = shared("proteingym_human_targets") else { return };
    let proteins = records(&folder.join("clinical_targets.fasta")).unwrap();
    assert_eq!(proteins.len(), 3_422);
    assert_eq!(proteins.iter().map(|protein| protein.sequence.len()).max(), Some(14_507));
    assert_eq!(counts(&folder.join("dms_targets.fasta")).0, 187);
}

#[test]
fn read_variants_of_equal_length() {
    let Some(folder) = shared("esm_examples") else { return };
    let proteins = records(&folder.join("P62593.fasta")).unwrap();
    assert_eq!(proteins.len(), 5_397);
    assert!(proteins.iter().all(|protein| protein.sequence.len() == 286));
}

#[test]
fn read_odd_files_of_biopython_and_biotite() {
    let (Some(biopython), Some(biotite)) = (shared("biopython_tests"), shared("biotite_sequence_tests")) else {
        return;
    };
    assert_eq!(counts(&biopython.join("Fasta/aster.pro")), (1, 107));
    assert_eq!(counts(&biopython.join("Fasta/aster_blast.pro")), (1, 107));
    assert_eq!(counts(&biopython.join("Fasta/aster_no_wrap.pro")), (1, 107));
    assert_eq!(counts(&biopython.join("Fasta/dups.fasta")).0, 5);
    assert_eq!(counts(&biopython.join("Fasta/flowers.pro.gz")).0, 3);
    assert_eq!(counts(&biotite.join("selenocysteine.fasta")).0, 1);
    assert_eq!(counts(&biotite.join("1a00_A_uniref90.a3m")).0, 3_391);
    assert_eq!(records(&biotite.join("invalid.fasta")).unwrap()[0].sequence, b"ACG?TG");
    let refused = [
        (biopython.join("Fasta/aster_pearson.pro"), "`Some header`"),
        (biopython.join("NBRF/Cw_prot.pir"), "`>P1;HLA:HLA00401` (PIR?)"),
        (
            biopython.join("codonalign/pro1.aln"),
            "`CLUSTAL W (1.81) multiple sequence alignment` (a Clustal alignment?)",
        ),
    ];
    for (path, found) in refused {
        let message = records(&path).unwrap_err().to_string();
        let expected = "line 1: expected a FASTA header starting with `>`, found";
        assert_eq!(message, format!("{}: {expected} {found}", path.display()));
    }
}

/// `cargo test --release -- --ignored --nocapture read_ecoli_at_speed`
#[test]
#[ignore = "a measurement: 500 MB/s and more of plain FASTA on one core"]
fn read_ecoli_at_speed() {
    let (Some(ecoli), Some(derived)) = (shared("ecoli_k12_UP000000625"), shared("derived_formats")) else { return };
    let plain = ecoli.join("UP000000625_83333.fasta");
    let bytes = std::fs::metadata(&plain).unwrap().len();
    for path in [plain, derived.join("ecoli.fasta.gz"), derived.join("ecoli.fasta.bgz")] {
        let mut best = f64::INFINITY;
        for _ in 0..50 {
            let start = Instant::now();
            assert_eq!(records(&path).unwrap().len(), 4_391);
            best = best.min(start.elapsed().as_secs_f64());
        }
        eprintln!("{:.0} MB/s of {}", bytes as f64 / best / 1e6, path.display());
    }
}
