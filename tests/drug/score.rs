//! `ferrome drug score`.

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use ferrome_drug::checkpoint::{FAST, RowKind};

use crate::support::drug_model;
use crate::support::killed::{ended, interrupt, wait_for};
use crate::support::place::Place;
use crate::support::table::Table;

const LIBRARY: &str = "\
CC(=O)Oc1ccccc1C(=O)O aspirin
C()C bad
Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1 imatinib
F(C)C valence
CC(=O)Oc1ccccc1C(=O)O again
CCO ethanol
";

pub(super) const TARGETS: [(&str, &str); 2] =
    [("ABL1", "MLEICLKLVGCKSKKGLSSSSSCYLEEALQR"), ("other", "MKTAYIAKQRQISFVKSHFSRQ")];

/// A library, targets, a model `m` and in it a fast one.
pub(super) fn place() -> Place {
    let place = Place::new();
    place.write("in.smi", LIBRARY);
    place.fasta("targets.fasta", &TARGETS);
    drug_model::write(&place.path("m"), &drug_model::full());
    drug_model::write(&place.path("m").join(FAST), &drug_model::fast());
    place
}

pub(super) fn numbers(table: &Table, column: &str) -> Vec<Option<f32>> {
    table.0.column_by_name(column).unwrap().as_primitive::<Float32Type>().iter().collect()
}

fn flags(table: &Table, column: &str) -> Vec<Option<bool>> {
    table.0.column_by_name(column).unwrap().as_boolean().iter().collect()
}

fn scores(place: &Place, library: &str, model: &str) -> Vec<Option<f32>> {
    place.write("library.smi", library);
    place.done(&format!("drug score library.smi --targets targets.fasta -o scores.parquet --overwrite {model}"));
    numbers(&place.table("scores.parquet"), "score")
}

pub(super) fn close(one: Option<f32>, other: Option<f32>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 2e-5 * one.abs().max(1.0),
        (one, other) => one == other,
    }
}

fn refused(line: &str) -> String {
    place().run(&format!("drug score {line}")).refusal()
}

#[test]
fn every_molecule_meets_every_target_in_order() {
    let place = place();
    let said = place.done("drug score in.smi --targets targets.fasta -m m -o out.parquet");
    assert!(
        said.starts_with(
            "12 rows: 8 scored, 2 rejected (not SMILES, first `bad`), 2 rejected (impossible valence, first `valence`); 6 \
             molecules in "
        ),
        "{said}"
    );
    let table = place.table("out.parquet");
    let columns = "drug_id smiles target_id score std lower upper nearest_train_tanimoto in_domain error";
    assert_eq!(table.columns(), columns.split(' ').collect::<Vec<_>>());
    let ids: Vec<String> = table.strings("drug_id").into_iter().flatten().collect();
    assert_eq!(ids[..5], ["aspirin", "aspirin", "bad", "bad", "imatinib"]);
    let targets: Vec<String> = table.strings("target_id").into_iter().flatten().collect();
    assert_eq!(targets[..3], ["ABL1", "other", "ABL1"]);
    assert_eq!(table.strings("smiles")[2], Some("C()C".into()));
    assert_eq!(table.errors()[2], Some("position 3: expected an atom or a bond, found `)`".into()));
    let (score, std) = (numbers(&table, "score"), numbers(&table, "std"));
    assert!(score[0].is_some() && score[2].is_none() && std[0].unwrap() > 0.0 && score[0] != score[1]);
    assert_eq!(score[8], score[0], "the same molecule again");
    let (lower, upper) = (numbers(&table, "lower"), numbers(&table, "upper"));
    assert!(lower[0] < score[0] && score[0] < upper[0] && lower[2].is_none());
    let similar = numbers(&table, "nearest_train_tanimoto");
    assert_eq!((similar[0], similar[2]), (Some(1.0), None));
    assert!(similar[10].unwrap() < 0.4, "{similar:?}");
    assert_eq!((flags(&table, "in_domain")[0], flags(&table, "in_domain")[10]), (Some(true), Some(false)));
}

#[test]
fn pairs_score_as_in_the_cross_product_and_keep_their_columns() {
    let place = place();
    place.done("drug score in.smi --targets targets.fasta -m m -o cross.parquet");
    let cross = numbers(&place.table("cross.parquet"), "score");
    let (abl, other) = (TARGETS[0].1, TARGETS[1].1);
    place.write(
        "pairs.csv",
        format!(
            "assay,target_id,sequence,drug_id,smiles\nA1,other,{other},e,OCC\nA2,ABL1,{abl},a,O=C(C)Oc1ccccc1C(O)=O\n\
             A3,x,MK-T,b,CCO\nA4,y,,c,CCO\nA5,ABL1,{abl},d,C(\n"
        ),
    );
    let said = place.done("drug score --pairs pairs.csv -m m -o out.parquet");
    assert!(said.starts_with("5 rows: 2 scored, 2 rejected (target that is no protein, first `b`)"), "{said}");
    let table = place.table("out.parquet");
    let columns = "drug_id smiles target_id assay score std lower upper nearest_train_tanimoto in_domain error";
    assert_eq!(table.columns(), columns.split(' ').collect::<Vec<_>>());
    let found = numbers(&table, "score");
    assert!(close(found[0], cross[11]) && close(found[1], cross[0]), "{found:?} {cross:?}");
    assert_eq!(table.strings("assay")[4], Some("A5".into()));
    let expected = [
        None,
        None,
        Some("residue 3 of the target, `-`, is not an amino-acid letter"),
        Some("the target has no sequence"),
        Some("position 3: expected an atom or a bond, found the end"),
    ];
    assert_eq!(table.errors(), expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn score_does_not_depend_on_spelling_place_or_neighbours() {
    let place = place();
    // Aromatic, kekulised, from another atom, with explicit hydrogens or charges apart.
    let spellings: [&[&str]; 4] = [
        &[
            "Cc1ccc(O)cc1",
            "CC1=CC=C(O)C=C1",
            "Oc1ccc(C)cc1",
            "C1(O)=CC=C(C)C=C1",
            "[H]Oc1c([H])c([H])c(C([H])([H])[H])c([H])c1[H]",
        ],
        &["C[C@H](N)C(=O)O", "N[C@@H](C)C(O)=O", "OC(=O)[C@@H](N)C", "[C@@H](C)(N)C(=O)O"],
        &["C[N+](=O)[O-]", "CN(=O)=O", "[O-][N+](C)=O"],
        &["Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C", "O=c1n(C)c(=O)c2c(ncn2C)n1C"],
    ];
    drug_model::write(&place.path("plain"), &drug_model::without_eigenvectors());
    for model in ["-m m", "-m m --tier fast", "-m plain", "-m ferrome-dta-davis"] {
        for same in spellings {
            let alone = scores(&place, &format!("{}\n", same[0]), model);
            let filler: String = (1..60).map(|n| format!("{} filler{n}\n", "C".repeat(n))).collect();
            let together = scores(&place, &format!("{filler}{}\n", same.join("\n")), model);
            for (row, score) in together[59 * 2..].iter().enumerate() {
                assert!(close(*score, alone[row % 2]), "{model} {} {score:?} {alone:?}", same[row / 2]);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let place = place();
    let library: String = (0..20_000).map(|n| format!("{}O m{n}\n", "C".repeat(n % 40 + 1))).collect();
    place.write("big.smi", library);
    for threads in [1, 3] {
        place.done(&format!(
            "drug score big.smi --targets targets.fasta -m m --tier fast -o {threads}.csv --threads {threads}"
        ));
    }
    assert!(place.read("1.csv") == place.read("3.csv"));
}

#[test]
fn stopped_run_goes_on_to_the_same_bytes() {
    let place = place();
    let library: String = (0..60_000).map(|n| format!("{}N m{n}\n", "CO".repeat(n % 30 + 1))).collect();
    place.write("big.smi", library);
    let line = "drug score big.smi --targets targets.fasta -m m --tier fast --threads 2 -o";
    place.done(&format!("{line} whole.parquet"));
    let mut child = place.start(&format!("{line} out.parquet"));
    wait_for(&place.path("out.parquet.run/part-00000.parquet"), &mut child);
    interrupt(&child);
    let stopped = ended(child);
    if stopped.code != Some(0) {
        assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
        assert!(stopped.stderr.contains("run the same command again to go on"), "{}", stopped.stderr);
        let said = place.done(&format!("{line} out.parquet"));
        assert!(said.contains("rows were done before"), "{said}");
    }
    assert!(place.read("whole.parquet") == place.read("out.parquet"));
}

/// Rows by target, from the best to the worst.
pub(super) fn sorted(table: &Table) -> Vec<(String, Option<f32>)> {
    let targets = table.strings("target_id").into_iter().flatten();
    targets.zip(numbers(table, "score")).collect()
}

/// Molecules of which no two are alike to a fingerprint, for `n` below 500.
pub(super) fn varied(n: usize) -> String {
    const GROUPS: [&str; 8] = ["C", "N", "OC", "F", "Cl", "C#N", "C(=O)N", "S(C)(=O)=O"];
    let group = |of: usize| GROUPS[n / of % 8];
    format!("c1c({})cc({})c({})c1", group(1), group(8), group(64))
}

#[test]
fn sorted_and_best_rows_are_those_of_the_whole() {
    let place = place();
    let library: String = (0..20_000)
        .map(|n| if n % 100 == 7 { format!("C(C b{n}\n") } else { format!("{} m{n}\n", varied(n)) })
        .collect();
    place.write("big.smi", library);
    let line = "drug score big.smi --targets targets.fasta -m m --tier fast";
    place.done(&format!("{line} -o all.parquet"));
    let all = sorted(&place.table("all.parquet"));
    let mut expected: Vec<(String, Option<f32>)> = Vec::new();
    for (id, _) in TARGETS {
        let mut of: Vec<_> = all.iter().filter(|(target, _)| target == id).cloned().collect();
        of.sort_by(|a, b| b.1.is_some().cmp(&a.1.is_some()).then(b.1.unwrap_or(0.0).total_cmp(&a.1.unwrap_or(0.0))));
        expected.extend(of);
    }
    let said = place.done(&format!("{line} -o sorted.parquet --sort"));
    assert!(said.starts_with("40000 rows: 39600 scored, 400 rejected (not SMILES, first `b7`)"), "{said}");
    assert_eq!(sorted(&place.table("sorted.parquet")), expected);
    let said = place.done(&format!("{line} -o best.parquet --top-k 3"));
    assert!(said.contains("; 6 kept; 20000 molecules"), "{said}");
    let best: Vec<_> = expected[..3].iter().chain(&expected[20_000..20_003]).cloned().collect();
    assert_eq!(sorted(&place.table("best.parquet")), best);
    assert_eq!(place.names(".").iter().filter(|name| name.contains("sorting")).count(), 0);
}

#[test]
fn cascade_scores_the_best_share_again() {
    let place = place();
    let library: String =
        (1..400).map(|n| if n == 7 { "C(C b7\n".into() } else { format!("{} m{n}\n", varied(n)) }).collect();
    place.write("some.smi", library);
    let line = "drug score some.smi --targets targets.fasta -m m";
    place.done(&format!("{line} --tier fast -o fast.parquet"));
    place.done(&format!("{line} -o full.parquet"));
    let said = place.done(&format!("{line} --cascade 0.1 -o out.parquet"));
    assert!(said.contains("of them by both tiers, 2 rejected (not SMILES, first `b7`)"), "{said}");
    let (fast, full, out) = (place.table("fast.parquet"), place.table("full.parquet"), place.table("out.parquet"));
    assert_eq!(numbers(&out, "fast_score"), numbers(&fast, "score"));
    let (fast, full, found) = (numbers(&fast, "score"), numbers(&full, "score"), numbers(&out, "score"));
    let tiers = out.strings("tier");
    let best = tiers.iter().filter(|tier| tier.as_deref() == Some("full")).count();
    assert!((80..120).contains(&best), "{best}");
    for row in 0..found.len() {
        let expected = match tiers[row].as_deref() {
            Some("full") => full[row],
            Some("fast") => fast[row],
            _ => None,
        };
        assert!(close(found[row], expected), "{row}: {:?} {expected:?}", found[row]);
    }
    assert_eq!(out.errors()[12], Some("position 2: `(` is never closed".into()));
    place.done(&format!("{line} --cascade 0.1 --top-k 5 -o best.parquet"));
    let best = sorted(&place.table("best.parquet"));
    assert_eq!(best.len(), 10);
    assert!(best[0].1 >= best[4].1 && best[0].0 == "ABL1" && best[9].0 == "other");
    place.done(&format!("{line} --cascade 0.1 --sort -o sorted.parquet"));
    let sorted_tiers = place.table("sorted.parquet").strings("tier");
    assert_eq!(sorted_tiers.len(), 798);
    assert_eq!(
        (sorted_tiers[0].as_deref(), sorted_tiers[397].as_deref(), sorted_tiers[398].as_deref()),
        (Some("full"), Some("fast"), None)
    );
}

#[test]
fn molecules_of_a_thousand_atoms_and_of_one() {
    let place = place();
    let chain = "CCOc1ccc(N)cc1".repeat(100);
    let found = scores(&place, &format!("{chain} long\nC methane\n[Na+].[Cl-] salt\n"), "-m m");
    assert_eq!(found.iter().flatten().filter(|score| score.is_finite()).count(), 6);
}

#[test]
fn strict_stops_at_the_first_bad_row() {
    let refusal = refused("in.smi --targets targets.fasta -m m -o out.parquet --strict");
    assert!(refusal.contains("position 3: expected an atom or a bond, found `)`"), "{refusal}");
}

#[test]
fn trouble_with_files_is_one_line() {
    let line = |line: &str| refused(&format!("{line} -o out.parquet"));
    let place = place();
    assert_eq!(line("in.smi --targets none.fasta -m m"), "none.fasta: no such file");
    place.write("empty.smi", "\n");
    place.write("gap.fasta", ">a\nMKT\n>b some\nMK-T\n");
    place.write("empty.csv", "id,sequence\n");
    place.write("pairs.csv", "drug_id,smiles,target,seq\n1,C,a,MK\n");
    place.write("taken.csv", "smiles,sequence,std\nC,MK,1\n");
    place.write("out.csv", "mine");
    let line = |line: &str| place.run(&format!("drug score {line}")).refusal();
    assert_eq!(
        line("empty.smi --targets targets.fasta -m m -o out.parquet"),
        "empty.smi: no molecules: expected at least one row"
    );
    assert_eq!(
        line("in.smi --targets gap.fasta -m m -o out.parquet"),
        "gap.fasta: line 3, `b`: residue 3 of the target, `-`, is not an amino-acid letter"
    );
    assert_eq!(line("in.smi --targets empty.csv -m m -o out.parquet"), "empty.csv: no targets: expected at least one");
    assert_eq!(
        line("--pairs pairs.csv -m m -o out.parquet"),
        "pairs.csv: no column `sequence`; columns, nearest first: `seq`, `smiles`, `drug_id`, `target`"
    );
    assert_eq!(
        line("--pairs taken.csv -m m -o out.parquet"),
        "taken.csv: column `std` is one that scores are written to; give it another name"
    );
    assert_eq!(
        line("in.smi --targets targets.fasta -m m -o out.csv"),
        "out.csv: exists already; pass --overwrite to replace it, or choose another name"
    );
}

#[test]
fn models_of_another_kind_are_told() {
    let place = place();
    let line = |model: &str| {
        place.run(&format!("drug score in.smi --targets targets.fasta -o out.parquet -m {model}")).refusal()
    };
    assert_eq!(
        line("golden/esm2_hf_hub"),
        "golden/esm2_hf_hub/config.json: expected a model of kind `drug-target`, found one of kind `esm`"
    );
    assert_eq!(line("golden"), "golden: expected the folder of a drug-target model, found no config.json");
    assert_eq!(line("./none"), "./none: no such model folder");
    assert_eq!(
        line("m/fast --tier fast"),
        "m/fast: the model has no second, faster one: there is no folder `fast` in it"
    );
}

#[test]
fn embeddings_of_another_width_are_told() {
    let place = place();
    let mut config = drug_model::fast();
    config.protein_rows = vec![RowKind::Table { width: 4 }];
    config.model.protein_rows.as_mut().unwrap().width = 4;
    drug_model::write(&place.path("t"), &config);
    let line = |line: &str| place.run(&format!("drug score in.smi -m t -o out.parquet {line}")).refusal();
    assert_eq!(
        line("--targets targets.fasta"),
        "model: no embedding of `other`: make a table with `ferrome protein embed` and give it as --embeddings"
    );
    place.embed("targets.fasta -m golden/esm2_hf_hub -o wide.parquet");
    let told = line("--targets targets.fasta --embeddings wide.parquet");
    assert!(
        told.starts_with("wide.parquet: column `embedding`: vectors of ") && told.ends_with(", the model expects 4"),
        "{told}"
    );
}

#[test]
fn stopped_ranking_and_cascade_go_on_to_the_same_bytes() {
    let place = place();
    let library: String = (0..60_000).map(|n| format!("{}{} m{n}\n", "CO".repeat(n % 30 + 1), varied(n))).collect();
    place.write("big.smi", library);
    for (way, stage) in
        [("--top-k 50 --tier fast", "sorting"), ("--sort --tier fast", "sorting"), ("--cascade 0.001", "fast")]
    {
        let line = format!("drug score big.smi --targets targets.fasta -m m --threads 2 {way} -o");
        place.done(&format!("{line} whole.parquet --overwrite"));
        let mut child = place.start(&format!("{line} out.parquet"));
        wait_for(&place.path(format!("out.parquet.{stage}/part-00000.parquet")), &mut child);
        interrupt(&child);
        let stopped = ended(child);
        if stopped.code != Some(0) {
            assert_eq!(stopped.code, Some(130), "{way}: {}", stopped.stderr);
            place.done(&format!("{line} out.parquet"));
        }
        assert!(place.read("whole.parquet") == place.read("out.parquet"), "{way}");
        let left: Vec<String> = place.names(".").into_iter().filter(|name| name.starts_with("out.")).collect();
        assert_eq!(left, ["out.parquet"], "{way}");
        fs_err::remove_file(place.path("out.parquet")).unwrap();
    }
}

#[test]
fn strict_ranking_stops_at_a_bad_row() {
    let refusal = refused("in.smi --targets targets.fasta -m m -o out.parquet --strict --top-k 1");
    assert!(refusal.contains("position 3: expected an atom or a bond, found `)`"), "{refusal}");
}
