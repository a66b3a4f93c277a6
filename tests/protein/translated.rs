//! `--translate`: nucleotides in, the same numbers as for their proteins.

use crate::support::place::Place;
use crate::support::shared;
use crate::support::table::difference;

fn same(place: &Place, genes: &str, proteins: &str) {
    let (genes, proteins) = (place.table(genes), place.table(proteins));
    assert_eq!(genes.lengths(), proteins.lengths());
    for (gene, protein) in genes.embeddings().iter().zip(proteins.embeddings()) {
        assert!(difference(gene, &protein) <= 1e-5);
    }
}

#[test]
fn coding_sequences_by_their_genetic_code() {
    let place = Place::new();
    // GTG is a start in table 11, and valine in table 1.
    place.fasta(
        "genes.fna",
        &[("a", "GTGAAATTTGCATAA"), ("b", "atgaaauuugcnuga"), ("cut", "ATGA"), ("protein", "MKTE")],
    );
    place.fasta("bacterial.faa", &[("a", "MKFA"), ("b", "MKFA")]);
    let summary = place.embed("genes.fna -m golden/esm2_hf -o out.parquet --translate 11");
    let expected =
        "4 rows: 1 computed, 1 identical to others, 2 rejected (cannot be translated, first `cut`); 6 tokens";
    assert!(summary.starts_with(expected), "{summary}");
    let table = place.table("out.parquet");
    assert_eq!(table.lengths(), [4, 4, 0, 0]);
    assert_eq!(table.ids(), ["a", "b", "cut", "protein"]);
    let reasons = [
        "expected a coding sequence whose length is a multiple of 3, found 4 nucleotides",
        "expected nucleotides, found `E` at position 4",
    ];
    assert_eq!(table.errors()[2..], reasons.map(|reason| Some(reason.to_owned())));
    place.embed("bacterial.faa -m golden/esm2_hf -o expected.parquet");
    let expected = place.table("expected.parquet").numbers("embedding");
    assert_eq!(table.numbers("embedding")[..2], expected);
    place.embed("genes.fna -m golden/esm2_hf -o standard.parquet --translate 1");
    assert_ne!(place.table("standard.parquet").numbers("embedding")[0], expected[0]);
}

#[test]
fn open_reading_frames_become_rows() {
    let place = Place::new();
    place.fasta("contig.fna", &[("c", "CCATGAAATTTGCATAACC"), ("none", "CCCCCCCC")]);
    place.embed("contig.fna -m golden/esm2_hf -o out.parquet --translate 11 --orfs --min-orf 3");
    let table = place.table("out.parquet");
    assert_eq!(table.ids()[0], "c_orf3_3-17");
    assert_eq!(table.lengths()[0], 4);
    place.fasta("protein.faa", &[("p", "MKFA")]);
    place.embed("protein.faa -m golden/esm2_hf -o expected.parquet");
    assert_eq!(table.numbers("embedding")[0], place.table("expected.parquet").numbers("embedding")[0]);
    // A contig without a frame is not silently gone.
    assert_eq!(table.ids()[1..], ["c_orf-2_1-15", "none"]);
    let reason = "no open reading frame of 3 residues or more in any of the six frames";
    assert_eq!(table.errors()[2].as_deref(), Some(reason));
}

#[test]
fn plasmid_genes_as_their_published_proteins() {
    let Some(folder) = shared("biopython_tests") else { return };
    let (place, folder) = (Place::new(), folder.join("GenBank").display().to_string());
    place.embed(&format!("{folder}/NC_005816.ffn -m golden/esm2_hf -o genes.parquet --translate 11"));
    place.embed(&format!("{folder}/NC_005816.faa -m golden/esm2_hf -o proteins.parquet"));
    assert_eq!(place.table("genes.parquet").rows(), 10);
    same(&place, "genes.parquet", "proteins.parquet");
    let summary = place.embed(&format!("{folder}/NC_005816.fna -m golden/esm2_hf -o orfs/ --translate 11 --orfs"));
    assert!(summary.starts_with("59 rows: 59 computed; "), "{summary}");
}

#[test]
fn bacterial_genes_of_ncbi() {
    let Some(folder) = shared("pyhmmer_tests") else { return };
    let place = Place::new();
    let genes = folder.join("seqs/CP040672.1.genes_100.fna").display().to_string();
    let summary = place.embed(&format!("{genes} -m golden/esm2_hf_hub -o out.parquet --translate 11"));
    assert!(summary.starts_with("100 rows: 100 computed; "), "{summary}");
    assert!(place.table("out.parquet").errors().iter().all(Option::is_none));
}
