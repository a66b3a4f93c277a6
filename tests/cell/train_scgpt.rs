//! `ferrome cell train` and `annotate` on an scGPT: the loop is Geneformer's, the model, its head and its folder are its own.
//! Gradients and probabilities are compared with PyTorch in `tests/python/test_scgpt_train.py`.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use serde_json::Value;

use crate::support::killed::wait_for;
use crate::support::place::Place;
use crate::support::scgpt::{GENES, write_model, write_types};

const CLASSIFY: &str = "cell train tokens.parquet --objective classify --label type --from model --threads 1";

/// Cells of three types and five donors, and a model with random weights.
fn place() -> Place {
    let place = Place::new();
    write_types(&place.path("tokens.parquet"), 120, 31);
    write_model(&place.path("model"));
    place
}

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.text(name)).unwrap()
}

#[test]
fn types_are_learnt_and_annotated() {
    let place = place();
    let said = place.done(&format!("{CLASSIFY} --epochs 15 --lr 0.003 --balanced -o types"));
    assert!(said.contains("nearest neighbours on frozen embeddings") && said.contains("on values, 50"), "{said}");
    let report = json(&place, "types/report.json");
    assert_eq!(report["quality"]["accuracy"], 1.0, "{report}");
    assert_eq!(report["baselines"].as_array().unwrap().len(), 5);
    let names = place.names("types");
    for name in ["args.json", "confusion.svg", "metrics.csv", "model.safetensors", "predictions.csv", "vocab.json"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    let arguments = json(&place, "types/args.json");
    assert_eq!((&arguments["id2type"]["2"], &arguments["mask_value"]), (&"T".into(), &(-1).into()), "{arguments}");

    place.done("cell annotate tokens.parquet -m types --threshold 0.5 --obs type -o annotated.parquet --threads 1 -q");
    let rows = place.table("annotated.parquet").0;
    let column = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>().clone();
    let same = column("type").iter().zip(column("label").iter()).filter(|(a, b)| a == b).count();
    assert!(same >= 118, "{same} of 120");
    // The folder is an scGPT as any other.
    place.done("cell embed tokens.parquet -m types -o e.parquet --threads 1 -q");
    place.done(&format!("{} --epochs 1 -q -o again", CLASSIFY.replace("--from model", "--from types")));
}

#[test]
fn adapters_of_a_killed_training_end_in_the_same_bytes() {
    let place = place();
    place.write(
        "c.json",
        r#"{"checkpoint_every": 5, "lora": {"rank": 2, "targets": ["key", "value", "intermediate"]}}"#,
    );
    let line = format!("{CLASSIFY} --config c.json --epochs 12 --patience 0 --lr 0.003 --quiet -o");
    place.done(&format!("{line} whole"));
    let mut child = place.start(&format!("{line} killed"));
    wait_for(&place.path("killed/metrics.csv"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("killed/model.safetensors").exists(), "it was done before it was killed");
    place.done(&format!("{line} killed"));
    for name in ["model.safetensors", "predictions.csv", "report.json", "args.json", "vocab.json"] {
        assert!(place.read(format!("killed/{name}")) == place.read(format!("whole/{name}")), "{name}");
    }
}

#[test]
fn donors_that_are_tested_on_are_not_trained_on() {
    let place = place();
    place.done(&format!("{CLASSIFY} --group donor --freeze 2 --epochs 1 -q -o types"));
    let split = json(&place, "types/split.json");
    let donors = |part: &str| {
        let ids = split[part].as_array().unwrap().iter().map(|id| id.as_str().unwrap()[1..].parse::<u32>().unwrap());
        ids.map(|id| id / 3 % 5).collect::<BTreeSet<_>>()
    };
    assert_eq!([donors("train").len(), donors("validation").len(), donors("test").len()], [3, 1, 1]);
    assert!(donors("train").is_disjoint(&donors("test")) && donors("train").is_disjoint(&donors("validation")));
}

#[test]
fn classes_of_genes_are_learnt() {
    let place = place();
    let class = |gene: usize| if gene < 10 { "of B" } else { "other" };
    let rows: String = (0..GENES).map(|gene| format!("GENE{gene},{}\n", class(gene))).collect();
    place.write("classes.csv", format!("gene,class\n{rows}"));
    let said = place.done(
        "cell train tokens.parquet --objective classify --genes classes.csv --from model --epochs 3 \
         --threads 1 -o g",
    );
    assert!(
        said.contains("of the test part): accuracy, macro-F1") && said.contains("embeddings of the genes"),
        "{said}"
    );
    let arguments = json(&place, "g/args.json");
    assert_eq!((&arguments["classified"], &arguments["id2type"]["0"]), (&"genes".into(), &"of B".into()));
    let refused = place.run("cell annotate tokens.parquet -m g -o a.parquet").refusal();
    assert_eq!(refused, "g: classifies genes, and cells are to be annotated");
}

#[test]
fn hidden_values_are_learnt_better_than_by_the_means() {
    let place = place();
    place.write("c.json", r#"{"objective": "mlm", "batch_cells": 8, "patience": 0}"#);
    let line = "cell train tokens.parquet --config c.json --epochs 30 --lr 0.003 --threads 1 -q";
    place.done(&format!("{line} --from model -o on"));
    let errors = |folder: &str| {
        let report = json(&place, &format!("{folder}/report.json"));
        ["squared_error", "mean_of_gene", "mean"].map(|name| report["hidden_values"][name].as_f64().unwrap())
    };
    let [model, gene, mean] = errors("on");
    assert!(model < 0.6 * gene && gene <= 1.05 * mean, "{model} {gene} {mean}");

    // From nothing, with a vocabulary alone; what comes out is a model to go on from.
    place.done("cell vocabulary import --tokens golden/cell/scgpt_torch/vocab.json --style scgpt -o genes.json");
    let shape = r#"{"embsize": 32, "nheads": 2, "nlayers": 1, "dropout": 0}"#;
    place.write("new.json", format!(r#"{{"objective": "mlm", "batch_cells": 8, "patience": 0, "model": {shape}}}"#));
    place.done(&format!("{} --vocabulary genes.json -o new", line.replace("c.json", "new.json")));
    let [model, gene, _] = errors("new");
    assert!(model < 0.6 * gene, "{model} {gene}");
    place.done(&format!("{} --epochs 1 -q -o types", CLASSIFY.replace("--from model", "--from new")));
}

#[test]
fn what_cannot_be_learnt_is_told_in_one_line() {
    let place = place();
    let refused = |line: &str| place.run(&format!("{CLASSIFY} {line} -o x -q")).refusal();
    assert_eq!(refused("--freeze 4"), "freeze is 4, and the model has 3 blocks");
    assert_eq!(
        refused("--max-length 10"),
        "max_length is for genes by rank; scGPT's cells are sampled when they are tokenized (`ferrome cell tokenize --max-length`)"
    );
    write_types(&place.path("other.parquet"), 30, 5);
    let other = |line: &str| place.run(&line.replace("tokens.parquet", "other.parquet")).refusal();
    assert_eq!(other(&format!("{CLASSIFY} -o x -q")), "other.parquet: cell `c0` does not begin with `<cls>` (31)");
    let from = |model: &str| CLASSIFY.replace("--from model", &format!("--from golden/cell/{model}"));
    let batches = from("scgpt_fine_tuned");
    assert_eq!(
        place.run(&format!("{batches} -o x -q")).refusal(),
        "the model treats batches apart (`dsbn` or `batch_encoder`), which needs the batch of each cell"
    );
    let geneformer = from("geneformer_v1");
    assert_eq!(
        place.run(&format!("{geneformer} -o x -q")).refusal(),
        "tokens.parquet: holds tokens of the style scgpt; the model takes Geneformer"
    );
    let bins = from("scgpt_category").replace("--objective classify --label type", "--objective mlm");
    assert_eq!(
        place.run(&format!("{bins} -o x -q")).refusal(),
        "values are hidden from models that take them as numbers, and this one has a table of bins (category)"
    );
    assert_eq!(
        place.run("cell annotate tokens.parquet -m golden/cell/scgpt_torch -o a.parquet -q").refusal(),
        "golden/cell/scgpt_torch/args.json: the checkpoint has no classifier (`cls_decoder`); `ferrome cell train --objective \
         classify` makes one"
    );
    assert_eq!(
        place.run("cell annotate tokens.parquet -m golden/cell/scgpt_fine_tuned -o a.parquet -q").refusal(),
        "golden/cell/scgpt_fine_tuned/args.json: expected id2type with the names of the 5 classes of cls_decoder, \"0\" to \
         \"4\", found 0"
    );
}
