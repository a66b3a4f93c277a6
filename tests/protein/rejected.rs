//! Records that cannot be computed, and those that were computed already.

use std::process::Command;

use crate::support::place::{Ended, FERROME, Place};

fn place() -> Place {
    let place = Place::new();
    place.write(
        "in.fasta",
        ">a one\nMKTAYIAKQR\n>bad\nMKJ\n>a again\nMKTAYIAKQR\n>empty\n>star\nMK*T\n>gap\nMK-T.\n>c\nmktay iakqr*\n>odd\nMKXBUZO\n\
         >digit\nMK7\n>masked\nMK<mask>T\n",
    );
    place
}

const REASON: &str = "is not an amino-acid letter of ESM (20 standard letters, X B U Z O . - and <mask>)";

/// The summary up to the first number that changes from run to run.
fn counts(summary: &str) -> &str {
    summary.split_once(" in ").map_or(summary, |(before, _)| before)
}

#[test]
fn rejected_rows_stay_with_their_reason() {
    let place = place();
    let summary = place.embed("in.fasta -m golden/esm2_hf -o out.parquet");
    assert_eq!(
        counts(&summary),
        "10 rows: 4 computed, 2 identical to others, 3 rejected (letter outside the alphabet, first `bad`), 1 rejected \
         (no sequence, first `empty`); 34 tokens"
    );
    let table = place.table("out.parquet");
    assert_eq!(table.ids(), ["a", "bad", "a", "empty", "star", "gap", "c", "odd", "digit", "masked"]);
    assert_eq!(table.lengths(), [10, 3, 10, 0, 4, 5, 10, 7, 3, 4]);
    let errors = [
        None,
        Some(format!("`J` at residue 3 {REASON}")),
        None,
        Some("sequence is empty".to_owned()),
        Some(format!("`*` at residue 3 {REASON}")),
        None,
        None,
        None,
        Some(format!("`7` at residue 3 {REASON}")),
        None,
    ];
    assert_eq!(table.errors(), errors);
    let vectors = table.numbers("embedding");
    for (vector, error) in vectors.iter().zip(&errors) {
        assert_eq!(vector.is_none(), error.is_some());
    }
    // Lower case, blanks and the last `*` make no difference.
    assert_eq!((&vectors[0], &vectors[0]), (&vectors[2], &vectors[6]));
}

/// On a CPU as on a GPU. The first limit is met by the embedding, the second by a product of oneDNN.
#[test]
fn protein_that_does_not_fit_into_memory_keeps_its_row() {
    let place = Place::new();
    let giant = "M".repeat(4_000_000);
    place.fasta("in.fasta", &[("small", "MKTAYIAKQR"), ("giant", &giant), ("other", "MKTVRQ")]);
    place.fasta("without.fasta", &[("small", "MKTAYIAKQR"), ("other", "MKTVRQ")]);
    place.embed("without.fasta -m golden/esm2_hf -o without.parquet --threads 1");
    let expected = place.table("without.parquet").embeddings();
    for kibibytes in [1_400_000, 2_700_000] {
        let line = "protein embed in.fasta -m golden/esm2_hf -o out.parquet --threads 1 --overwrite";
        let script = format!("ulimit -v {kibibytes}; exec timeout 300 {FERROME} {line}");
        let mut shell = Command::new("sh");
        place.settle(shell.args(["-ec", &script]).env("MALLOC_ARENA_MAX", "1"));
        let ended = Ended::of(shell.output().unwrap());
        assert_eq!(ended.code, Some(0), "{kibibytes}: {}", ended.stderr);
        assert_eq!(
            counts(&ended.stderr),
            "3 rows: 2 computed, 1 rejected (out of memory, first `giant`); 4000022 tokens",
            "{kibibytes}"
        );
        let table = place.table("out.parquet");
        let reason = "4000002 tokens do not fit into the device's memory, even alone".to_owned();
        assert_eq!(table.errors(), [None, Some(reason), None]);
        let vectors = table.numbers("embedding");
        assert!(vectors[1].is_none());
        for (found, expected) in [&vectors[0], &vectors[2]].into_iter().zip(&expected) {
            let pairs = found.as_ref().unwrap().iter().zip(expected);
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0)), "{kibibytes}");
        }
    }
}

#[test]
fn identical_sequences_are_computed_once() {
    let place = Place::new();
    let records: Vec<(String, &str)> = (0..50).map(|n| (format!("p{}", n % 3), ["MKT", "MKV"][n % 2])).collect();
    place.fasta("in.fasta", &records);
    let summary = place.embed("in.fasta -m golden/esm2_hf -o out.parquet --batch-tokens 10");
    assert_eq!(counts(&summary), "50 rows: 2 computed, 48 identical to others; 10 tokens");
    let (table, expected) = (place.table("out.parquet"), records.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
    assert_eq!(table.ids(), expected);
    let vectors = table.embeddings();
    assert!((2..50).all(|row| vectors[row] == vectors[row % 2]));
    assert_ne!(vectors[0], vectors[1]);
}

#[test]
fn all_records_rejected_is_a_table_too() {
    let place = Place::new();
    place.write("in.fasta", ">a\nJJ\n>b\n");
    let summary = place.embed("in.fasta -m golden/esm2_hf -o out.parquet");
    assert_eq!(
        counts(&summary),
        "2 rows: 0 computed, 1 rejected (letter outside the alphabet, first `a`), 1 rejected (no sequence, first `b`); \
         0 tokens"
    );
    assert_eq!(place.table("out.parquet").numbers("embedding"), [None, None]);
}

#[test]
fn strict_stops_at_the_first() {
    let place = place();
    for output in ["out.parquet", "out/", "out.npy"] {
        assert_eq!(
            place.refused(&format!("in.fasta -m golden/esm2_hf -o {output} --strict")),
            format!("record `bad`: `J` at residue 3 {REASON} (--strict stops at the first rejected record)")
        );
    }
    assert!(!place.path("out.parquet").exists() && !place.path("out.npy").exists());
    place.write("good.fasta", ">a\nMKT\n");
    place.embed("good.fasta -m golden/esm2_hf -o good.parquet --strict");
}

#[test]
fn nucleotides_taken_for_proteins_are_warned_of() {
    let place = Place::new();
    place.fasta("genes.fna", &[("a", "ATGAAAACCGCATATATTGCGAAA"), ("b", "ATGAAAACCGTGCGTCAGGAA")]);
    let said = place.embed("genes.fna -m golden/esm2_hf -o out.csv");
    assert_eq!(
        said.lines().next(),
        Some("warning: genes.fna: 2 of 2 records look like nucleotides; --translate TABLE translates them")
    );
    let said = place.embed("genes.fna -m golden/esm2_hf -o translated.csv --translate 1");
    assert!(said.starts_with("2 rows: 2 computed; "), "{said}");
}
