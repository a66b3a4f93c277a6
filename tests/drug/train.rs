//! `ferrome drug train` and `evaluate` on a small set: they learn, go on exactly where they were, and refuse what they cannot
//! do.

use crate::support::inputs::Random;
use crate::support::killed::{ended, interrupt, wait_for};
use crate::support::place::Place;

/// One thread: two that wait for each other take ten times as long on a busy machine.
const LINE: &str = "drug train train.json --device cpu --threads 1";

const MOLECULES: [&str; 12] = [
    "CCO",
    "CCCO",
    "CCCCO",
    "c1ccccc1",
    "c1ccccc1O",
    "c1ccccc1N",
    "c1ccncc1",
    "CC(=O)O",
    "CC(=O)Nc1ccccc1",
    "CCN(CC)CC",
    "C1CCCCC1",
    "O=C(O)c1ccccc1",
];

const CONFIG: &str = r#"{
    "data": {"pairs": "pairs.tsv", "drug": "drug", "protein": "protein", "value": "y",
             "drugs": {"table": "drugs.csv", "key": "idx"}, "proteins": {"table": "proteins.csv", "key": "name"}},
    "split": {"by": "column", "column": "fold", "validation": [0], "test": ["5"]},
    "label": {"name": "pKd", "unit": "-log10(M)", "positive_from": 6.0},
    "fingerprints": ["ecfp4"],
    "protein_rows": [{"kind": "kmer", "k": 2}, {"kind": "smith_waterman"}],
    "model": {"fingerprints": {"hidden": [16], "dropout": 0.1},
              "protein_rows": {"hidden": [16], "standardized": true, "dropout": 0.1},
              "head": {"kind": "mlp", "hidden": [16]}},
    "batches": {"drugs": 6, "proteins": 5}, "epochs": 40, "learning_rate": 0.01, "warmup_epochs": 1, "watch_test": true}"#;

/// Values that are a sum of what the drug and what the protein is; every pair has a fold from 0 to 5.
fn place() -> Place {
    let place = Place::new();
    let mut random = Random(3);
    let sequences: Vec<String> = (0..10).map(|_| random.protein(40)).collect();
    let rows = |cells: &dyn Fn(usize) -> String, n: usize| (0..n).map(|i| cells(i) + "\n").collect::<String>();
    place.write("drugs.csv", format!("idx,smiles\n{}", rows(&|i| format!("{i},{}", MOLECULES[i]), 12)));
    place.write("proteins.csv", format!("name,sequence\n{}", rows(&|i| format!("p{i},{}", sequences[i]), 10)));
    let pairs = rows(
        &|i| {
            let (drug, protein) = (i % 12, i / 12);
            let y = 4.0 + 0.2 * drug as f64 + 0.25 * (protein * 7 % 10) as f64;
            format!("{drug}\tp{protein}\t{y}\t{}\t{}", (drug + protein) % 6, u8::from(y >= 6.0))
        },
        120,
    );
    place.write("pairs.tsv", format!("drug\tprotein\ty\tfold\tlabel\n{pairs}"));
    place.write("train.json", CONFIG);
    place
}

fn with(config: &str, old: &str, new: &str) -> String {
    assert!(config.contains(old), "{old}");
    config.replace(old, new)
}

fn refused(place: &Place, options: &str) -> String {
    place.run(&format!("{LINE} --quiet {options}")).refusal()
}

/// The numbers of one column of `metrics.csv`; empty cells are passed over.
fn metrics(place: &Place, folder: &str, column: &str) -> Vec<f64> {
    let text = place.text(format!("{folder}/metrics.csv"));
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    lines.filter_map(|cells| cells[at].parse().ok()).collect()
}

#[test]
fn it_learns_and_writes_a_models_folder() {
    let place = place();
    let said = place.done(&format!("{LINE} -o model"));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "120 pairs of 12 drugs and 10 proteins");
    assert!(lines[1].starts_with("epoch 2/40: loss ") && lines[1].contains("validation MSE"), "{said}");
    assert!(lines[1].ends_with("(chooses nothing)"), "{said}");
    assert!(said.contains("20 test pairs: MSE "), "{said}");
    let files = [
        "README.md",
        "config.json",
        "loss.svg",
        "metrics.csv",
        "model.safetensors",
        "molecules.parquet",
        "proteins.parquet",
        "split.json",
        "training",
    ];
    assert_eq!(place.names("model"), files);
    let mse = metrics(&place, "model", "validation_mse");
    assert_eq!(mse.len(), 40);
    assert!(mse.iter().copied().fold(f64::MAX, f64::min) < 0.25 * mse[0], "{mse:?}");
    assert_eq!(metrics(&place, "model", "test_ci").len(), 40);
    let config: serde_json::Value = serde_json::from_slice(&place.read("model/config.json")).unwrap();
    assert_eq!(config["ferrome"], "drug-target");
    assert_eq!(config["calibration"]["pairs"], 20);
    assert!((config["label"]["scale"].as_f64().unwrap() - 1.0).abs() < 0.2, "{config}");
    assert!(
        place.text("model/README.md").contains("60 pairs were trained on")
            || place.text("model/README.md").contains("80 pairs were trained on")
    );
    let split: serde_json::Value = serde_json::from_slice(&place.read("model/split.json")).unwrap();
    assert_eq!((split["train"].as_array().unwrap().len(), split["test"][0].as_u64()), (80, Some(5)));
}

#[test]
fn stopped_and_continued_is_byte_identical() {
    let place = place();
    place.write("train.json", with(CONFIG, r#""epochs": 40"#, r#""epochs": 400"#));
    let line = format!("{LINE} --quiet --ensemble 2");
    place.done(&format!("{line} -o whole"));
    let mut child = place.start(&format!("{line} -o stopped"));
    wait_for(&place.path("stopped/metrics.csv"), &mut child);
    interrupt(&child);
    let stopped = ended(child);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    let message = stopped.message();
    assert!(message.starts_with("interrupted: member 0 has done "), "{message}");
    place.done(&format!("{line} -o stopped"));
    for file in ["model.safetensors", "config.json", "split.json", "molecules.parquet", "README.md"] {
        assert!(place.read(format!("stopped/{file}")) == place.read(format!("whole/{file}")), "{file}: {message}");
    }
    assert_eq!(metrics(&place, "stopped", "train_loss"), metrics(&place, "whole", "train_loss"));
    // Once more: nothing is left to do.
    place.done(&format!("{line} -o stopped"));
    assert!(place.read("stopped/model.safetensors") == place.read("whole/model.safetensors"));
    // A second training, and another member, are added to what is there.
    let config = with(CONFIG, r#""epochs": 40"#, r#""epochs": 400, "refit": true"#);
    place.write("train.json", config);
    place.done(&format!("{LINE} --quiet -o stopped"));
    let phases = place.text("stopped/metrics.csv");
    assert_eq!(phases.matches("\n0,choose,").count(), 400);
    assert!(phases.contains("\n0,refit,1,"), "{phases}");
}

#[test]
fn ensembles_refits_and_rotations_end_to_end() {
    let place = place();
    let config = with(CONFIG, r#""epochs": 40"#, r#""epochs": 6, "refit": true, "store": "f16""#);
    place.write("train.json", with(&config, r#""validation": [0]"#, r#""rotate": true"#));
    place.done(&format!("{LINE} --quiet --ensemble 2 -o model"));
    let phases = place.text("model/metrics.csv");
    assert!(phases.contains("\n1,refit,1,"), "{phases}");
    let config: serde_json::Value = serde_json::from_slice(&place.read("model/config.json")).unwrap();
    assert_eq!((&config["members"], &config["calibration"]["pairs"]), (&2.into(), &40.into()));
    for split in ["random", "scaffold", "cold-drug", "cold-target", "cold-both"] {
        place.write("train.json", with(CONFIG, r#""epochs": 40"#, r#""epochs": 2"#));
        place.done(&format!("{LINE} --quiet --split {split} -o {split}"));
    }
    let train = |folder: &str| {
        let split: serde_json::Value = serde_json::from_slice(&place.read(format!("{folder}/split.json"))).unwrap();
        let rows =
            |part: &str| split[part].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect::<Vec<_>>();
        (rows("train"), rows("test"))
    };
    let (known, tested) = train("cold-drug");
    assert!(!tested.is_empty() && tested.iter().all(|row| known.iter().all(|other| row % 12 != other % 12)));
    let (known, tested) = train("cold-both");
    assert!(tested.iter().all(|row| known.iter().all(|other| row % 12 != other % 12 && row / 12 != other / 12)));
}

/// A graph beside the two towers, and a fast model.
const VARIANTS: &str = r#""epochs": 4, "refit": true, "store": "f16",
    "members": [
        {},
        {"model": {"graph": {"hidden_size": 16, "num_attention_heads": 2, "random_walk_steps": 4, "position_size": 4,
                             "layers": {"arrangement": "parallel", "layers": 1}, "message": "gine", "norm": "batch",
                             "pooling": "mean"},
                   "protein_rows": {"hidden": [16], "standardized": true},
                   "head": {"kind": "mlp", "hidden": [16]}}, "batches": {"pairs": 32}, "epochs": 3}],
    "fast": {"fingerprints": ["ecfp4"], "epochs": 5,
             "model": {"fingerprints": {"hidden": [8]}, "protein_rows": {"hidden": [8], "standardized": true},
                       "head": {"kind": "bilinear", "rank": 4}}}"#;

#[test]
fn members_of_different_kinds_and_a_fast_model_end_to_end() {
    let place = place();
    place.write("train.json", with(CONFIG, r#""epochs": 40"#, VARIANTS));
    let said = place.done(&format!("{LINE} -o model"));
    assert!(
        said.contains("\nmember 1, epoch 3/3: ") && said.contains("\nfast model, second training, epoch "),
        "{said}"
    );
    let config: serde_json::Value = serde_json::from_slice(&place.read("model/config.json")).unwrap();
    assert_eq!((&config["members"], config["others"].as_array().unwrap().len()), (&2.into(), 1));
    assert!(config["model"].get("graph").is_none() && config["others"][0].get("fingerprints").is_none(), "{config}");
    let fast: serde_json::Value = serde_json::from_slice(&place.read("model/fast/config.json")).unwrap();
    assert_eq!((&fast["members"], &fast["model"]["head"]["kind"]), (&1.into(), &"bilinear".into()));
    let card = place.text("model/README.md");
    assert!(
        card.contains("| member 1 alone (graph, protein rows), epoch ") && card.contains("`fast/` has a second"),
        "{card}"
    );
    assert!(place.text("model/fast/README.md").contains("member 0 alone (fingerprints, protein rows), epoch "));
    let fast = place.names("model/fast");
    assert!(
        fast.contains(&"model.safetensors".into()) && !fast.iter().any(|name| name.ends_with(".parquet")),
        "{fast:?}"
    );
    // Twelve molecules have few of the 2,048 bits; the others are not in the file.
    assert!(place.read("model/model.safetensors").len() < 40_000, "{}", place.read("model/model.safetensors").len());
    let before = ["model", "model/fast"].map(|folder| place.read(format!("{folder}/model.safetensors")));
    place.done(&format!("{LINE} -o model"));
    assert!(before == ["model", "model/fast"].map(|folder| place.read(format!("{folder}/model.safetensors"))));
    let said = place.done("drug evaluate train.json -m model -o report --resamples 20 --device cpu --threads 1");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(": MSE")).collect();
    assert!(lines[1].starts_with("model, fast tier: MSE ") && lines.len() == 5, "{said}");
    place.write("library.smi", "CCO a\nc1ccccc1O b\n");
    place.write(
        "targets.fasta",
        format!(">t\n{}\n", place.text("proteins.csv").lines().nth(1).unwrap().split_once(',').unwrap().1),
    );
    for tier in ["", "--tier fast", "--cascade 0.5"] {
        let name = format!("scores{}.csv", tier.len());
        place.done(&format!(
            "drug score library.smi --targets targets.fasta -m model -o {name} --device cpu --threads 1 {tier}"
        ));
        assert_eq!(place.text(&name).lines().count(), 3, "{tier}");
    }
}

#[test]
fn classifiers_learn_from_labels_in_tables_of_their_own() {
    let place = place();
    let pairs = place.text("pairs.tsv");
    let proteins = place.text("proteins.csv");
    let sequence = |name: &str| proteins.lines().find_map(|line| line.strip_prefix(&format!("{name},"))).unwrap();
    let (mut train, mut validation, mut test) = (String::new(), String::new(), String::new());
    for line in pairs.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let row = format!("{},{},{}\n", MOLECULES[cells[0].parse::<usize>().unwrap()], sequence(cells[1]), cells[4]);
        let part = match cells[3] {
            "0" => &mut validation,
            "5" => &mut test,
            _ => &mut train,
        };
        part.push_str(&row);
    }
    for (name, rows) in [("train", train), ("val", validation), ("test", test)] {
        place.write(format!("{name}.csv"), format!("SMILES,Protein,Y\n{rows}"));
    }
    place.write(
        "train.json",
        r#"{"data": {"train": "train.csv", "validation": "val.csv", "test": "test.csv", "drug": "SMILES",
            "protein": "Protein", "label": "Y"}, "split": {"by": "files"}, "objective": "classification",
            "model": {"fingerprints": {"hidden": [16]}, "protein_rows": {"hidden": [16], "standardized": true},
            "head": {"kind": "bilinear", "rank": 8}}, "batches": {"pairs": 16}, "epochs": 20, "learning_rate": 0.01}"#,
    );
    let said = place.done(&format!("{LINE} -o model"));
    assert!(*metrics(&place, "model", "validation_auroc").last().unwrap() > 0.9, "{said}");
    let said = place.done("drug evaluate train.json -m model -o report --resamples 20 --device cpu --threads 1");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(": AUROC")).collect();
    assert!(lines[0].starts_with("model: AUROC ") && lines.len() == 4, "{said}");
    let page = place.text("report/report.html");
    assert!(page.contains("<figure id=\"roc\">") && page.contains("<figure id=\"calibration\">"));
}

#[test]
fn report_has_the_simpler_models_beside_and_intervals() {
    let place = place();
    place.done(&format!("{LINE} --quiet -o model"));
    let line = "drug evaluate train.json -m model -o report --resamples 50 --device cpu --threads 1";
    let said = place.done(line);
    assert!(said.contains("\nmodel: MSE ") && said.contains("\nmean of the training values: MSE "), "{said}");
    assert_eq!(place.names("report"), ["baselines", "metrics.json", "predictions.csv", "report.html", "report.md"]);
    let table = place.text("report/report.md");
    let models: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect();
    assert_eq!(models[..3], ["model", "model", "two-tower perceptron"]);
    assert!(models[3].starts_with("kernel ridge (Tanimoto ") && models[4] == "mean of the training values", "{table}");
    assert!(
        table.contains("| MSE | CI | rm2 | Pearson | Spearman | AUROC | AUPRC | EF1% | BEDROC | calibration error |")
    );
    let metrics: serde_json::Value = serde_json::from_slice(&place.read("report/metrics.json")).unwrap();
    let mse = |model: usize| metrics["models"][model]["measures"][0]["value"].as_f64().unwrap();
    assert!(mse(0) < 0.5 * mse(3) && mse(2) < mse(3), "{metrics}");
    assert_eq!(place.text("report/predictions.csv").lines().count(), 21);
    let page = place.text("report/report.html");
    for id in ["scatter", "calibration", "roc"] {
        assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
    }
    assert!(!page.contains("http:") || page.matches("http:").count() == page.matches("http://www.w3.org").count());
    let before = place.read("report/report.html");
    place.done(line);
    assert!(place.read("report/report.html") == before, "the simpler models are not trained twice");
}

#[test]
fn rows_that_cannot_be_used_are_left_out_and_named() {
    let place = place();
    let drugs = with(&place.text("drugs.csv"), "3,c1ccccc1\n", "3,c1cccc1\n");
    place.write("drugs.csv", drugs);
    let pairs = with(&place.text("pairs.tsv"), "\n0\tp1\t5.75", "\n0\tp1\tfast");
    place.write("pairs.tsv", with(&pairs, "\n1\tp1\t", "\n99\tp1\t"));
    let said = place.done(&format!("{LINE} -o model"));
    let line = said.lines().nth(1).unwrap();
    assert!(
        line.starts_with(
            "12 of 120 rows were left out, the first: row 4: drug `3`: no double bonds can be placed in the aromatic"
        ),
        "{said}"
    );
    let message = refused(&place, "--strict -o other");
    assert!(
        message.starts_with("row 4: drug `3`: ") && message.ends_with("(--strict stops at the first rejected record)")
    );
    assert!(place.text("model/left_out.tsv").starts_with("row\treason\n4\tdrug `3`: "));
}

#[test]
fn bad_data() {
    let place = place();
    let pairs = place.text("pairs.tsv");
    let cases = [
        (
            with(&pairs, "drug\tprotein\ty", "drug\ttarget\ty"),
            "pairs.tsv: no column `protein`; columns, nearest first: `drug`, `target`, `fold`, `label`, `y`; choose with \
             `data.protein`",
        ),
        (
            with(&pairs, "\t2\t", "\t\t"),
            "pairs.tsv: column `fold` is empty in 20 of 120 rows, the first is row 3; every row needs a fold",
        ),
    ];
    for (content, message) in cases {
        place.write("pairs.tsv", content);
        assert_eq!(refused(&place, "-o model"), message);
    }
    place.write("pairs.tsv", &pairs);
    place.write("train.json", with(CONFIG, r#""validation": [0]"#, r#""validation": [7]"#));
    assert_eq!(
        refused(&place, "-o model"),
        "pairs.tsv: no row has fold `7` in column `fold`; found `0`, `1`, `2`, `3`, `4`, `5`"
    );
    place.write("train.json", CONFIG);
    let equal: Vec<String> = pairs
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            if cells[2] == "y" { line.to_owned() } else { format!("{}\t{}\t5\t{}\t0", cells[0], cells[1], cells[3]) }
        })
        .collect();
    place.write("pairs.tsv", equal.join("\n"));
    assert_eq!(refused(&place, "-o model"), "pairs.tsv: all 80 values to train on are 5: there is nothing to learn");
    place.write("pairs.tsv", "drug\tprotein\ty\tfold\n99\tp1\t3\t1\n");
    assert_eq!(refused(&place, "-o model"), "pairs.tsv: no row can be used; row 1: drug `99` is not in drugs.csv");
}

#[test]
fn other_options_are_refused_with_what_differs() {
    let place = place();
    place.write("train.json", with(CONFIG, r#""epochs": 40"#, r#""epochs": 2"#));
    place.done(&format!("{LINE} --quiet -o model"));
    place.write("train.json", with(CONFIG, r#""epochs": 40"#, r#""epochs": 3"#));
    assert_eq!(
        refused(&place, "-o model"),
        "model: an earlier run into this output differs: epochs was `2`, now `3`; pass --overwrite to start anew, or choose \
         another -o"
    );
    place.done(&format!("{LINE} --quiet -o model --overwrite"));
    assert_eq!(metrics(&place, "model", "epoch"), [1.0, 2.0, 3.0]);
    fs_err::remove_dir_all(place.path("model/training")).unwrap();
    assert_eq!(
        refused(&place, "-o model"),
        "model: holds a model already; pass --overwrite to replace it, or choose another -o"
    );
    let missing = place.run("drug evaluate train.json -m nowhere -o report").refusal();
    assert!(missing.starts_with("nowhere: no such model; looked for "), "{missing}");
}
