//! `ferrome cell predict-perturbation`: training writes a folder that predicts, and a report with simple predictions beside it.

use crate::support::place::Place;
use crate::support::screen;

const STEPS: &str = r#"{"steps": 6, "embsize": 16, "batch_cells": 4, "checkpoint_every": 2}"#;

fn place() -> Place {
    let place = Place::new();
    screen::write(&place.path("screen.parquet"));
    place.write("steps.json", STEPS);
    place
}

#[test]
fn trained_generator_predicts() {
    let place = place();
    let train =
        "cell predict-perturbation train screen.parquet -o model --config steps.json --test GENE2+GENE1,GENE3+GENE4";
    let said = place.done(&format!("{train} --device cpu --threads 1"));
    assert!(said.contains("192 cells, 24 genes; 13 conditions to train on, 2 held out\n"), "{said}");
    let report = place.text("model/report.csv");
    let rows: Vec<Vec<&str>> = report.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..4], ["condition", "cells", "method", "mse"]);
    assert_eq!(rows.len(), 1 + 2 * 4);
    let of =
        |method: &str| rows.iter().find(|row| row[2] == method).unwrap_or_else(|| panic!("no {method} in {report}"));
    // The changes were made gene by gene, so that their sum is nearly right; no change correlates with nothing.
    assert!(of("sum of single changes")[5].parse::<f64>().unwrap() > 0.95, "{report}");
    assert_eq!(of("no change")[5], "");
    // A finished run that is started again has nothing to do and writes the same.
    place.done(&format!("{train} --device cpu --threads 1 --quiet"));
    assert_eq!(place.text("model/report.csv"), report);

    place.done("cell predict-perturbation predict screen.parquet -m ./model --perturb GENE1+GENE2,GENE0 -o out.csv --device cpu");
    let predicted = place.text("out.csv");
    assert!(predicted.starts_with("condition,gene,control,predicted,change\nGENE1+GENE2,GENE0,"), "{predicted}");
    assert_eq!(predicted.lines().count(), 1 + 2 * 24);
    let again =
        "cell predict-perturbation predict screen.parquet -m ./model --perturb GENE99 -o no.csv --device cpu --quiet";
    let ended = place.run(again);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.ends_with("error: `GENE99` is none of the 24 genes of the model\n"), "{}", ended.stderr);
}

#[test]
fn foundation_gives_its_blocks() {
    let place = place();
    let from = "--from golden/cell/scgpt_torch --config steps.json --device cpu --threads 1 --quiet";
    place.done(&format!("cell predict-perturbation train screen.parquet -o tuned {from}"));
    let arguments: serde_json::Value = serde_json::from_str(&place.text("tuned/args.json")).unwrap();
    assert_eq!(arguments["embsize"], 24);
    let held_out: serde_json::Value = serde_json::from_str(&place.text("tuned/perturbation.json")).unwrap();
    assert_eq!(held_out["held_out"].as_array().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let place = place();
    let refused = |options: &str| {
        let ended =
            place.run(&format!("cell predict-perturbation train screen.parquet -o no {options} --device cpu -q"));
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        ended.stderr.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(refused("--test GENE9"), "error: there is no condition `GENE9`");
    assert_eq!(refused("--condition guide"), "error: there is no obs column `guide`; nearest: `condition`");
    place.write("bad.json", r#"{"stepz": 5}"#);
    assert!(refused("--config bad.json").starts_with("error: bad.json: unknown field `stepz`"));
    assert_eq!(
        refused("--from golden/cell/scgpt_generator"),
        "error: golden/cell/scgpt_generator: is a generator already; --from takes the model that generators begin with"
    );
}
