//! `ferrome cell train`, `annotate` and `map`: a problem that can be solved is solved, a killed run goes on as if it had not
//! been, and what cannot be learnt is told in one line.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, RecordBatch, StringArray, UInt32Builder};
use arrow::datatypes::Float32Type;
use parquet::arrow::ArrowWriter;

use crate::support::killed::wait_for;
use crate::support::place::Place;

const GENES: u32 = 30;
const TYPES: [&str; 3] = ["B", "Mono", "T"];

/// Cells of three types: each has its own ten genes first, in an order of its own, then some of the others.
fn tokens(place: &Place, name: &str, cells: u32) {
    let mut lists = ListBuilder::new(UInt32Builder::new());
    let (mut ids, mut types, mut donors) = (Vec::new(), Vec::new(), Vec::new());
    for cell in 0..cells {
        let kind = cell % 3;
        let first = (0..8).map(|i| kind * 10 + (i * 7 + cell * 3) % 10);
        let rest = (0..6).map(|i| (kind * 10 + 10 + (i * 5 + cell * 11) % 20) % GENES);
        lists.values().append_slice(&first.chain(rest).map(|gene| gene + 2).collect::<Vec<_>>());
        lists.append(true);
        ids.push(format!("cell{cell}"));
        types.push(TYPES[kind as usize]);
        donors.push(format!("donor{}", cell / 3 % 5));
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("input_ids", Arc::new(lists.finish())),
        ("cell_id", Arc::new(StringArray::from(ids))),
        ("type", Arc::new(StringArray::from(types))),
        ("donor", Arc::new(StringArray::from(donors))),
        ("one", Arc::new(StringArray::from(vec!["same"; cells as usize]))),
    ];
    write(place, name, columns);
}

/// Cells of three types, each with seven of its ten genes in order: the others tell which one is hidden.
fn ordered(place: &Place, name: &str) {
    let mut lists = ListBuilder::new(UInt32Builder::new());
    for cell in 0..240_u32 {
        let (kind, n) = (cell % 3, cell / 3);
        let gone = [n % 10, n / 10 % 10, n * 7 % 10];
        lists
            .values()
            .append_slice(&(0..10).filter(|g| !gone.contains(g)).map(|g| kind * 10 + g + 2).collect::<Vec<_>>());
        lists.append(true);
    }
    write(place, name, vec![("input_ids", Arc::new(lists.finish()) as ArrayRef)]);
}

fn write(place: &Place, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs_err::File::create(place.path(name)).unwrap().into_file();
    let mut writer = ArrowWriter::try_new(file, table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}

/// A vocabulary of thirty genes, tokens of 120 cells, and a small model that was trained on them for two epochs.
fn place() -> Place {
    let place = Place::new();
    let genes: Vec<String> = (0..GENES).map(|gene| format!("\"G{gene:02}\": {}", gene + 2)).collect();
    let medians: Vec<String> = (0..GENES).map(|gene| format!("\"G{gene:02}\": 1.0")).collect();
    let vocabulary = format!(
        r#"{{"format": "ferrome vocabulary 1", "style": "geneformer-v1", "special_tokens": ["<pad>", "<mask>"],
            "tokens": {{"<pad>": 0, "<mask>": 1, {}}}, "medians": {{{}}}}}"#,
        genes.join(", "),
        medians.join(", ")
    );
    place.write("genes.json", vocabulary);
    tokens(&place, "tokens.parquet", 120);
    place.write(
        "mlm.json",
        r#"{"objective": "mlm", "epochs": 2, "learning_rate": 0.001, "checkpoint_every": 3, "model": {"hidden_size": 16,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 32}}"#,
    );
    place.done("cell train tokens.parquet --config mlm.json --vocabulary genes.json -o mlm --threads 1 --quiet");
    place
}

const CLASSIFY: &str = "cell train tokens.parquet --objective classify --label type --from mlm --threads 1";

#[test]
fn separable_types_are_learnt_and_annotated() {
    let place = place();
    let said = place.done(&format!("{CLASSIFY} --epochs 30 --lr 0.003 -o types"));
    assert!(said.contains("nearest neighbours on frozen embeddings") && said.contains("logistic regression"), "{said}");
    let report: serde_json::Value = serde_json::from_str(&place.text("types/report.json")).unwrap();
    assert_eq!(report["quality"]["accuracy"], 1.0, "{report}");
    assert_eq!(report["baselines"].as_array().unwrap().len(), 5);
    let names = place.names("types");
    for name in [
        "config.json",
        "confusion.svg",
        "loss.svg",
        "metrics.csv",
        "model.safetensors",
        "predictions.csv",
        "vocabulary.json",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }

    place.done("cell annotate tokens.parquet -m types --threshold 0.5 --obs type -o annotated.parquet --threads 1 -q");
    let rows = place.table("annotated.parquet").0;
    let column = |name: &str| rows.column_by_name(name).unwrap().clone();
    let (truth, label) = (column("type"), column("label"));
    let same = truth.as_string::<i32>().iter().zip(label.as_string::<i32>()).filter(|(a, b)| a == b).count();
    assert!(same >= 118, "{same} of 120");
    let entropy = column("entropy");
    assert!(entropy.as_primitive::<Float32Type>().values().iter().all(|&h| (0.0..=3_f32.ln() + 1e-4).contains(&h)));

    // Nobody is more certain than certain.
    place.done("cell annotate tokens.parquet -m types --threshold 1 -o nobody.parquet --threads 1 -q");
    let rows = place.table("nobody.parquet").0;
    let label = rows.column_by_name("label").unwrap().as_string::<i32>();
    assert!(label.iter().filter(|label| *label == Some("unassigned")).count() > 100);
}

#[test]
fn killed_and_continued_is_byte_identical() {
    let place = place();
    place.write("c.json", r#"{"checkpoint_every": 5, "lora": {"rank": 2, "targets": ["query", "value", "output"]}}"#);
    let line = format!("{CLASSIFY} --config c.json --epochs 12 --patience 0 --lr 0.003 --quiet -o");
    place.done(&format!("{line} whole"));
    let mut child = place.start(&format!("{line} killed"));
    // Between two measurements there is a checkpoint.
    wait_for(&place.path("killed/metrics.csv"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("killed/model.safetensors").exists(), "it was done before it was killed");
    place.done(&format!("{line} killed"));
    for name in ["model.safetensors", "predictions.csv", "report.json", "config.json"] {
        assert!(place.read(format!("killed/{name}")) == place.read(format!("whole/{name}")), "{name}");
    }
    // Done is done, and another run into the folder is refused.
    place.done(&format!("{line} whole"));
    let refused = place.run(&format!("{line} whole --seed 5")).refusal();
    assert!(refused.contains("seed was `1`, now `5`"), "{refused}");
}

#[test]
fn hidden_genes_are_learnt_better_than_by_frequency() {
    let place = place();
    ordered(&place, "ordered.parquet");
    place.write(
        "one.json",
        r#"{"objective": "mlm", "batch_cells": 8, "model": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "max_position_embeddings": 32}}"#,
    );
    place.done(
        "cell train ordered.parquet --config one.json --vocabulary genes.json --epochs 30 --lr 0.01 --patience 0 --threads 1 -q \
         -o ordered",
    );
    let report: serde_json::Value = serde_json::from_str(&place.text("ordered/report.json")).unwrap();
    let loss = report["loss"].as_f64().unwrap();
    let [frequency, at_rank, unseen] = ["frequency", "frequency_at_rank", "frequency_of_unseen"]
        .map(|name| report["frequencies"][name].as_f64().unwrap());
    assert!((frequency - 30_f64.ln()).abs() < 0.3 && at_rank < frequency && unseen < at_rank, "{report}");
    assert!(loss < unseen - 0.5, "{report}");
}

#[test]
fn donors_that_are_tested_on_are_not_trained_on() {
    let place = place();
    place.done(&format!("{CLASSIFY} --group donor --epochs 1 -q -o types"));
    let split: serde_json::Value = serde_json::from_str(&place.text("types/split.json")).unwrap();
    let donors = |part: &str| {
        let ids = split[part].as_array().unwrap().iter().map(|id| id.as_str().unwrap()[4..].parse::<u32>().unwrap());
        ids.map(|id| id / 3 % 5).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!([donors("train").len(), donors("validation").len(), donors("test").len()], [3, 1, 1]);
    assert!(donors("train").is_disjoint(&donors("test")));
}

#[test]
fn classes_of_genes_are_learnt() {
    let place = place();
    let rows: String =
        (0..GENES).map(|gene| format!("G{gene:02},{}\n", if gene < 10 { "of B" } else { "other" })).collect();
    place.write("classes.csv", format!("gene,class\n{rows}G99,other\n"));
    let said = place.done(
        "cell train tokens.parquet --objective classify --genes classes.csv --from mlm --epochs 20 --lr 0.003 --threads 1 -o g",
    );
    assert!(said.contains("of the test part): accuracy, macro-F1"), "{said}");
    let config: serde_json::Value = serde_json::from_str(&place.text("g/config.json")).unwrap();
    assert_eq!(config["architectures"][0], "BertForTokenClassification");
    assert_eq!(config["id2label"]["0"], "of B");
    let refused = place.run("cell annotate tokens.parquet -m g -o a.parquet").refusal();
    assert_eq!(refused, "g: classifies genes, and cells are to be annotated");
}

#[test]
fn what_cannot_be_learnt_is_told_in_one_line() {
    let place = place();
    let refused = |line: &str| place.run(&format!("cell train tokens.parquet --threads 1 {line} -o x -q")).refusal();
    assert_eq!(
        refused("--label one --from mlm"),
        "tokens.parquet: column `one` has one class, `same`, in all 120 cells: there is nothing to learn"
    );
    assert_eq!(refused("--label typ --from mlm"), "there is no obs column `typ`; nearest: `type`, `one`, `donor`");
    assert_eq!(
        refused("--from mlm"),
        "the objective classify needs either a column of obs with the class of each cell (--label), or a table with the class \
         of genes (--genes)"
    );
    assert_eq!(refused("--label type --from mlm --freeze 3"), "freeze is 3, and the model has 2 blocks");
    assert_eq!(
        refused("--label type --from mlm --group one"),
        "column `one` has 1 group, expected 3 or more to hold some out"
    );
    assert_eq!(
        refused("--objective mlm"),
        "there is nothing to train: name a model to start from (--from), or give its shape as `model` in the configuration \
         with the objective mlm"
    );
    let refused = place.run("cell annotate tokens.parquet -m mlm -o a.parquet -q").refusal();
    assert_eq!(
        refused,
        "mlm/config.json: expected the architecture BertForSequenceClassification or BertForTokenClassification, found \
         BertForMaskedLM; `ferrome cell train --objective classify` makes one"
    );
}

#[test]
fn embedded_cells_are_drawn_in_the_colour_of_their_type() {
    let place = place();
    place.done("cell embed tokens.parquet -m mlm --obs type -o cells.parquet --threads 1 -q");
    for method in ["umap", "pca"] {
        place.done(&format!(
            "cell map cells.parquet -o {method}.svg --method {method} --color type --table {method}.csv"
        ));
        let svg = place.text(format!("{method}.svg"));
        // 120 cells and a legend of three types.
        assert_eq!(svg.matches("<circle").count(), 123);
        assert_eq!(place.text(format!("{method}.csv")).lines().count(), 121);
    }
    place.write("types.tsv", "cell_id\tkind\ncell1\tX\n");
    place.done("cell map cells.parquet -o by.svg --color kind --labels types.tsv -q");
    assert!(place.text("by.svg").contains(">\nnone\n</text>"));
    let refused = place.run("cell map cells.parquet -o umap.svg").refusal();
    assert_eq!(refused, "umap.svg: exists already; pass --overwrite to replace it, or choose another name");
    let refused = place.run("cell map cells.parquet -o x.svg --color typ").refusal();
    assert_eq!(refused, "cells.parquet: has no column `typ`; found cell_id, length, type, embedding, error");
}
