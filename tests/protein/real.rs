//! Files that nobody of this project wrote. Only the embedding layer of a small model is computed: the reader, the
//! engine and the tables are what is tried.

use std::path::{Path, PathBuf};

use crate::support::place::Place;
use crate::support::shared;

/// Embeds one file; the summary up to the tokens.
fn summary(place: &Place, path: &Path, options: &str) -> String {
    let line = format!("{} -m golden/esm2_hf_hub --layers 0 -o out.parquet --overwrite {options}", path.display());
    let said = place.embed(&line);
    let last = said.lines().last().unwrap();
    last.split_once(';').unwrap().0.to_owned()
}

fn each(place: &Place, folder: &Path, cases: &[(&str, &str)]) {
    for (file, expected) in cases {
        assert_eq!(summary(place, &folder.join(file), ""), *expected, "{file}");
    }
}

#[test]
fn every_form_of_the_same_proteins_gives_the_same_table() {
    let (Some(derived), Some(query), Some(ecoli)) =
        (shared("derived_formats"), shared("mmseqs2_query"), shared("ecoli_k12_UP000000625"))
    else {
        return;
    };
    let place = Place::new();
    let compare = |plain: PathBuf, counts: &str, others: &[&str]| {
        assert_eq!(summary(&place, &plain, ""), counts);
        let expected = place.table("out.parquet");
        for file in others {
            assert_eq!(summary(&place, &derived.join(file), ""), counts, "{file}");
            assert!(place.table("out.parquet") == expected, "{file}");
        }
    };
    compare(
        query.join("QUERY.fasta"),
        "500 rows: 498 computed, 2 identical to others",
        &[
            "query_bom.fasta",
            "query_crlf.fasta",
            "query_lower.fasta",
            "query_oneline_noeol.fasta",
            "query_two_members.fasta.gz",
            "query_wrap60_blank_lines.fasta",
        ],
    );
    compare(
        ecoli.join("UP000000625_83333.fasta"),
        "4391 rows: 4349 computed, 42 identical to others",
        &["ecoli.fasta.gz", "ecoli.fasta.bgz"],
    );
    let cut = derived.join("query_truncated.fasta.gz").display().to_string();
    assert_eq!(
        place.refused(&format!("{cut} -m golden/esm2_hf_hub -o cut.parquet")),
        format!(
            "{cut}: record `tr|C1FY42|C1FY42_DASNO` (line 663), after 331 whole records: expected more gzip data, found the \
             end of the file (is it cut short?)"
        )
    );
    assert!(!place.path("cut.parquet").exists());
}

#[test]
fn proteins_and_genes_of_pyhmmer() {
    let Some(folder) = shared("pyhmmer_tests") else { return };
    let (place, folder) = (Place::new(), folder.join("seqs"));
    each(
        &place,
        &folder,
        &[
            ("938293.PRJEB85.HG003687.faa", "2100 rows: 2095 computed, 5 identical to others"),
            ("LuxC.faa", "12 rows: 12 computed"),
            ("PKSI.faa", "10 rows: 10 computed"),
        ],
    );
    let contig = folder.join("1390.SAMEA104415756.OFHT01000022.fna");
    let frames = summary(&place, &contig, "--translate 11 --orfs --min-orf 100");
    assert!(frames.contains(" rows: ") && !frames.contains("rejected"), "{frames}");
    let rows = place.table("out.parquet").rows();
    assert!((300..500).contains(&rows), "{rows} frames in 391,023 bases");
    let genbank = folder.join("BGC0001090.gbk").display().to_string();
    assert_eq!(
        place.refused(&format!("{genbank} -m golden/esm2_hf_hub -o out.csv")),
        format!(
            "{genbank}: line 1: expected a FASTA header starting with `>`, found `LOCUS       BGC0001090             44660 bp    \
             DNA          ...` (GenBank?)"
        )
    );
}

#[test]
fn odd_files_of_biopython_and_biotite() {
    let (Some(biopython), Some(biotite)) = (shared("biopython_tests"), shared("biotite_sequence_tests")) else {
        return;
    };
    let place = Place::new();
    each(
        &place,
        &biopython.join("Fasta"),
        &[
            ("aster.pro", "1 rows: 1 computed"),
            ("aster_blast.pro", "1 rows: 1 computed"),
            ("aster_no_wrap.pro", "1 rows: 1 computed"),
            ("dups.fasta", "5 rows: 4 computed, 1 identical to others"),
            ("flowers.pro.gz", "3 rows: 3 computed"),
            ("protein_lib.fa", "12 rows: 12 computed"),
        ],
    );
    let rejected = "rejected (letter outside the alphabet, first";
    each(
        &place,
        &biotite,
        &[
            ("1a00_A_uniref90.a3m", "3391 rows: 3348 computed, 43 identical to others"),
            ("cas9.fasta", "10 rows: 10 computed"),
            ("selenocysteine.fasta", "1 rows: 1 computed"),
            ("alignment.fasta", &format!("3 rows: 2 computed, 1 {rejected} `seq2`)")),
            ("invalid.fasta", &format!("1 rows: 0 computed, 1 {rejected} `its`)")),
        ],
    );
    let duplicates = summary(&place, &biopython.join("Fasta/dups.fasta"), "");
    let ids = place.table("out.parquet").ids();
    assert!(ids.len() == 5 && ids.iter().enumerate().any(|(n, id)| ids[..n].contains(id)), "{duplicates}: {ids:?}");
    let pearson = biopython.join("Fasta/aster_pearson.pro").display().to_string();
    assert_eq!(
        place.refused(&format!("{pearson} -m golden/esm2_hf_hub -o out.csv")),
        format!("{pearson}: line 1: expected a FASTA header starting with `>`, found `Some header`")
    );
}

#[test]
fn examples_of_fair_esm() {
    let Some(folder) = shared("esm_examples") else { return };
    let place = Place::new();
    each(
        &place,
        &folder,
        &[
            ("few_proteins.fasta", "3 rows: 3 computed"),
            ("some_proteins.fasta", "15 rows: 15 computed"),
            ("P62593.fasta", "5397 rows: 5199 computed, 198 identical to others"),
            ("1a3a_1_A.a3m", "1024 rows: 1024 computed"),
        ],
    );
}

#[test]
fn human_proteins_up_to_14507_residues() {
    let Some(folder) = shared("proteingym_human_targets") else { return };
    let place = Place::new();
    let found = summary(&place, &folder.join("clinical_targets.fasta"), "");
    assert!(found.starts_with("3422 rows: ") && !found.contains("rejected"), "{found}");
    assert_eq!(place.table("out.parquet").lengths().into_iter().max(), Some(14_507));
}
