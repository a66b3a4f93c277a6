//! `ferrome drug score --pairs … --cascade`.

use ferrome_drug::checkpoint::RowKind;

use super::score::{TARGETS, close, numbers, place, sorted, varied};
use crate::support::drug_model;
use crate::support::place::Place;

/// Pairs of 300 molecules with one of two targets each, whose ids begin alike; one molecule and one target are none.
fn pairs(place: &Place) {
    let mut text = String::from("note,smiles,target_id,sequence,drug_id\n");
    for n in 0..300 {
        let (_, sequence) = TARGETS[n % 2];
        let (smiles, sequence) = match n {
            7 => ("C(C".into(), sequence),
            8 => (varied(n), "MK-T"),
            _ => (varied(n), sequence),
        };
        text += &format!("n{n},{smiles},{},{sequence},d{n}\n", ["A", "AB"][n % 2]);
    }
    place.write("pairs.csv", text);
}

#[test]
fn best_share_of_each_targets_pairs_is_scored_again() {
    let place = place();
    pairs(&place);
    let line = "drug score --pairs pairs.csv -m m";
    place.done(&format!("{line} --tier fast -o fast.parquet"));
    place.done(&format!("{line} -o full.parquet"));
    let said = place.done(&format!("{line} --cascade 0.1 -o out.parquet"));
    assert!(said.starts_with("300 rows: 298 scored, 3"), "{said}");
    assert!(said.contains("of them by both tiers, 1 rejected (not SMILES, first `d7`)"), "{said}");
    let [fast, full, out] = ["fast", "full", "out"].map(|name| place.table(format!("{name}.parquet")));
    let columns =
        "drug_id smiles target_id note score std lower upper nearest_train_tanimoto in_domain tier fast_score error";
    assert_eq!(out.columns(), columns.split(' ').collect::<Vec<_>>());
    assert_eq!(out.strings("note"), fast.strings("note"));
    assert_eq!(out.errors(), fast.errors());
    assert_eq!(numbers(&out, "fast_score"), numbers(&fast, "score"));
    let (fast, full, found) = (numbers(&fast, "score"), numbers(&full, "score"), numbers(&out, "score"));
    let tiers = out.strings("tier");
    for target in 0..2 {
        let rows: Vec<usize> = (target..300).step_by(2).filter(|&row| fast[row].is_some()).collect();
        let again = rows.iter().filter(|&&row| tiers[row].as_deref() == Some("full")).count();
        assert!((15..20).contains(&again), "{again}");
        let least = rows.iter().filter(|&&row| tiers[row].as_deref() == Some("full")).map(|&row| fast[row]);
        let least = least.min_by(|a, b| a.partial_cmp(b).unwrap()).unwrap();
        assert!(rows.iter().all(|&row| fast[row] < least || tiers[row].as_deref() == Some("full")));
    }
    for row in 0..300 {
        let expected = if tiers[row].as_deref() == Some("full") { full[row] } else { fast[row] };
        assert!(close(found[row], expected), "{row}: {:?} {expected:?}", found[row]);
    }
}

#[test]
fn cascade_of_pairs_is_ranked_by_target() {
    let place = place();
    pairs(&place);
    let line = "drug score --pairs pairs.csv -m m --cascade 0.1";
    place.done(&format!("{line} --sort -o sorted.parquet"));
    let table = place.table("sorted.parquet");
    let (rows, tiers) = (sorted(&table), table.strings("tier"));
    assert_eq!(rows.iter().map(|(target, _)| target.as_str()).collect::<String>(), "A".repeat(150) + &"AB".repeat(150));
    for of in [0..150, 150..300] {
        let full = tiers[of.clone()].iter().take_while(|tier| tier.as_deref() == Some("full")).count();
        assert!(full >= 15 && tiers[of.clone()][full..].iter().all(|tier| tier.as_deref() != Some("full")));
        assert!(rows[of.clone()][..full].is_sorted_by(|a, b| a.1 >= b.1));
        assert!(rows[of][full..149].is_sorted_by(|a, b| a.1 >= b.1));
    }
    place.done(&format!("{line} --top-k 4 -o best.parquet"));
    let best = sorted(&place.table("best.parquet"));
    assert_eq!(best[..4], rows[..4]);
    assert_eq!(best[4..], rows[150..154]);
}

#[test]
fn what_the_better_model_refuses_has_its_reason() {
    let place = place();
    pairs(&place);
    let mut full = drug_model::full();
    full.protein_rows = vec![RowKind::Table { width: 4 }];
    full.model.protein_rows.as_mut().unwrap().width = 4;
    drug_model::write(&place.path("t"), &full);
    drug_model::write(&place.path("t/fast"), &drug_model::fast());
    place.done("drug score --pairs pairs.csv -m t --cascade 0.1 -o out.parquet");
    let out = place.table("out.parquet");
    let (scores, errors, tiers) = (numbers(&out, "score"), out.errors(), out.strings("tier"));
    // The model knows the embedding of the sequence of the other target.
    let again: Vec<usize> = (0..300).filter(|&row| row % 2 == 1 && tiers[row].as_deref() == Some("full")).collect();
    assert!(again.len() >= 15);
    for row in again {
        let reason = errors[row].as_deref().unwrap();
        assert!(scores[row].is_none() && reason.starts_with("no embedding of `AB`"), "{reason}");
    }
}

#[test]
fn fast_is_one_tier_and_no_cascade() {
    let refusal =
        place().run("drug score in.smi --targets targets.fasta -m fast --cascade 0.1 -o out.parquet").refusal();
    assert_eq!(refusal, "`-m fast` is one tier; --cascade needs a model with both");
}

#[test]
fn fast_is_the_fast_tier_of_the_default() {
    let place = place();
    let run = |model: &str, out: &str| {
        place.run(&format!("drug score in.smi --targets targets.fasta {model} -o {out}.csv --quiet"))
    };
    let (named, chosen) = (run("--model fast", "named"), run("--tier fast", "chosen"));
    assert_eq!((named.code, &named.stderr), (chosen.code, &chosen.stderr));
    if named.code == Some(0) {
        assert_eq!(place.text("named.csv"), place.text("chosen.csv"));
    }
}
