//! Every help text, as it stands in `tests/snapshots` (`FERROME_SNAPSHOTS=write` writes them anew), and its examples.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::drug_model;
use crate::support::geneformer;
use crate::support::inputs::proteins;
use crate::support::place::{Ended, FERROME, Place};
use crate::support::{root, scgpt, screen, study};

const COMMANDS: [&str; 36] = [
    "",
    "cell",
    "cell annotate",
    "cell convert",
    "cell count",
    "cell embed",
    "cell integrate",
    "cell map",
    "cell network",
    "cell perturb",
    "cell predict-perturbation",
    "cell predict-perturbation predict",
    "cell predict-perturbation train",
    "cell qc",
    "cell tokenize",
    "cell train",
    "cell vocabulary",
    "cell vocabulary build",
    "cell vocabulary import",
    "demo",
    "doctor",
    "drug",
    "drug evaluate",
    "drug featurize",
    "drug score",
    "drug train",
    "gather",
    "model",
    "model list",
    "model path",
    "model pull",
    "model verify",
    "protein",
    "protein embed",
    "protein pretrain",
    "report",
];

fn help(place: &Place, command: &str, columns: u32) -> String {
    let ended =
        Ended::of(place.command(&format!("{command} --help")).env("COLUMNS", columns.to_string()).output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
    ended.stdout
}

#[test]
fn help_of_every_command_is_as_written() {
    let place = Place::new();
    for command in COMMANDS {
        let name = format!("ferrome {command}").trim().replace(' ', "-");
        let path = root().join(format!("tests/snapshots/{name}.txt"));
        let text = help(&place, command, 100);
        if std::env::var("FERROME_SNAPSHOTS").as_deref() == Ok("write") {
            fs_err::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs_err::read_to_string(&path).unwrap(), "ferrome {command}");
    }
}

#[test]
fn help_lists_every_command() {
    let place = Place::new();
    let listed = |command: &str| -> Vec<String> {
        let text = help(&place, command, 100);
        let lines = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        lines
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(str::to_owned)
            .collect()
    };
    let mut all = vec![String::new()];
    for name in listed("") {
        for verb in listed(&name).into_iter().map(|verb| format!("{name} {verb}")) {
            all.extend(listed(&verb).into_iter().map(|below| format!("{verb} {below}")));
            all.push(verb);
        }
        all.push(name);
    }
    all.sort_unstable();
    assert_eq!(all, COMMANDS);
}

/// The indented lines after `Examples:`.
fn examples(help: &str) -> String {
    let (_, after) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("no examples in {help}"));
    let lines = after.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn examples_are_not_broken_on_a_narrow_terminal() {
    let place = Place::new();
    for command in COMMANDS {
        assert_eq!(examples(&help(&place, command, 80)), examples(&help(&place, command, 110)), "ferrome {command}");
    }
}

/// Where every file and model of the examples is at hand.
fn place_of_examples() -> Place {
    let place = Place::new();
    place.fasta("proteins.fasta", &proteins(120));
    fs_err::copy(root().join("tests/specimens/bam/by_coordinate.bam"), place.path("possorted_genome_bam.bam")).unwrap();
    fs_err::copy(place.path("specimens/gzip.fasta.gz"), place.path("proteome.fasta.gz")).unwrap();
    place.write("library.smi", "CCO ethanol\nCC(=O)Oc1ccccc1C(=O)O aspirin\nC(C broken\n");
    place.fasta("kinases.fasta", &proteins(3));
    place.write("pairs.csv", "drug_id,smiles,target_id,sequence\n1,CCO,a,MKTAYIAK\n2,C(C,a,MKTAYIAK\n");
    drug_model::write(&place.path("weights/ferrome-dta-davis"), &drug_model::fast());
    place.write("vendor.csv", "catalog_number,SMILES\n7,CC(=O)[O-].[Na+]\n");
    for name in ["esm2_t33_650M_UR50D", "esm2_t6_8M_UR50D"] {
        let repository = format!("cache/hub/models--facebook--{name}");
        place.write(format!("{repository}/refs/main"), "abc");
        fs_err::create_dir_all(place.path(format!("{repository}/snapshots"))).unwrap();
        symlink(place.path("golden/esm2_hf_hub"), place.path(format!("{repository}/snapshots/abc"))).unwrap();
    }
    fs_err::create_dir_all(place.path("weights")).unwrap();
    symlink(place.path("golden/esm2_hf_hub"), place.path("weights/ferrome-esm2-mini")).unwrap();
    symlink(place.path("golden/esm2_hf_hub"), place.path("my-esm2")).unwrap();
    let golden = r#""what": "logits", "sequence": "MKTAYIAK", "expected": [[0]], "absolute": 100, "relative": 0, "source": "me""#;
    place.write("goldens.json", format!("[{{{golden}}}]"));
    fs_err::create_dir_all(place.path("data")).unwrap();
    symlink(root().join("data/demo"), place.path("data/demo")).unwrap();
    place_of_cells(&place);
    symlink(place.path("golden/cell/scgpt_torch"), place.path("scGPT_human")).unwrap();
    scgpt::write_tokens(&place.path("tokens.parquet"), 40);
    place_of_screens(&place);
    place_of_studies(&place);
    place_of_pairs(&place);
    place
}

/// A screen, and a generator that was trained on it.
fn place_of_screens(place: &Place) {
    screen::write(&place.path("cells-of-screen.parquet"));
    place.write("steps.json", r#"{"steps": 4, "embsize": 16, "batch_cells": 4}"#);
    let train = "predict-perturbation train screen.h5ad -o norman-generator --config steps.json -q";
    for line in ["convert cells-of-screen.parquet -o screen.h5ad", train] {
        let made = Ended::of(place.command(&format!("cell {line}")).output().unwrap());
        assert_eq!(made.code, Some(0), "{line}: {}", made.stderr);
    }
}

/// Cells of two batches.
fn place_of_studies(place: &Place) {
    study::write(&place.path("cells-of-study.parquet"), 40);
    let made = Ended::of(place.command("cell convert cells-of-study.parquet -o study.h5ad").output().unwrap());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}

/// Pairs of drugs and proteins, and a model of them.
fn place_of_pairs(place: &Place) {
    let drugs =
        ["CCO", "CCCO", "c1ccccc1", "c1ccccc1O", "c1ccncc1", "CC(=O)O", "CCN(CC)CC", "C1CCCCC1", "CCCl", "CCBr"];
    let mut pairs = String::from("smiles,sequence,pKd\n");
    for (i, drug) in drugs.iter().enumerate() {
        for (j, (_, sequence)) in proteins(10).iter().enumerate() {
            pairs.push_str(&format!("{drug},{sequence},{}\n", 4.0 + 0.3 * i as f64 + 0.2 * (j * 7 % 5) as f64));
        }
    }
    place.write("pairs.csv", pairs);
    place.write(
        "train.json",
        r#"{"data": {"pairs": "pairs.csv", "drug": "smiles", "protein": "sequence", "value": "pKd"}, "epochs": 3,
            "model": {"fingerprints": {"hidden": [8]}, "protein_rows": {"hidden": [8]},
            "head": {"kind": "bilinear", "rank": 4}}}"#,
    );
    let made = Ended::of(place.command("drug train train.json -o model --quiet").output().unwrap());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}

/// Counts, vocabularies and published dictionaries.
fn place_of_cells(place: &Place) {
    let run = |line: &str| {
        let made = Ended::of(place.command(line).output().unwrap());
        assert_eq!(made.code, Some(0), "{line}: {}", made.stderr);
    };
    place.write("filtered_feature_bc_matrix/barcodes.tsv", "AAAC-1\nAAAG-1\n");
    place.write("filtered_feature_bc_matrix/features.tsv", "ENSG00000141510\tTP53\tGene Expression\n");
    let matrix = "%%MatrixMarket matrix coordinate integer general\n1 2 1\n1 2 5\n";
    place.write("filtered_feature_bc_matrix/matrix.mtx", matrix);
    run("cell count data/demo/cells.bam -o made --min-umis-per-cell 40");
    run("cell convert made -o pbmc.h5ad");
    run("cell vocabulary build made -o v2.json");
    let v2: serde_json::Value = serde_json::from_slice(&fs_err::read(place.path("v2.json")).unwrap()).unwrap();
    run("cell tokenize pbmc.h5ad --style geneformer-v2 --vocabulary v2.json -o pbmc-tokens");
    let tokens = v2["tokens"].as_object().unwrap().len();
    let repository = "cache/hub/models--ctheodoris--Geneformer";
    place.write(format!("{repository}/refs/main"), "abc");
    for model in ["", "/Geneformer-V2-104M"] {
        geneformer::write(&place.path(format!("{repository}/snapshots/abc{model}")), tokens, 4096);
    }
    let framed =
        geneformer::cells(40, tokens, 30).into_iter().flatten().map(|genes| Some([&[2], &genes[..], &[3]].concat()));
    geneformer::write_tokens(&place.path("labelled.parquet"), &framed.collect::<Vec<_>>());
    let model = format!("{repository}/snapshots/abc");
    run(&format!("cell embed labelled.parquet -m {model} --obs cell_type -o embedded.parquet"));
    run(&format!(
        "cell train labelled.parquet --label cell_type --from {model} --vocabulary v2.json --epochs 1 --threads 1 -o pbmc-types"
    ));
    let symbols = v2["symbols"].as_object().unwrap().keys().map(String::as_str);
    let tokens =
        symbols.chain(["<pad>", "<cls>", "<eoc>"]).enumerate().map(|(token, name)| format!("{name:?}: {token}"));
    place.write("vocab.json", format!("{{{}}}", tokens.collect::<Vec<_>>().join(", ")));
    run("cell vocabulary import --tokens vocab.json -o scgpt.json");
    for (name, published) in [("tokens_protocol_4", "token"), ("medians", "gene_median"), ("symbols", "gene_name_id")] {
        let specimen = root().join(format!("tests/specimens/gene_dictionary/{name}.pkl"));
        let name = if published == "gene_name_id" { "dict" } else { "dictionary" };
        fs_err::copy(specimen, place.path(format!("{published}_{name}.pkl"))).unwrap();
    }
    for copy in ["zebrafish.h5ad", "zebrafish/tail.h5ad", "corpus/first.h5ad", "corpus/second.h5ad"] {
        let copy = place.path(copy);
        fs_err::create_dir_all(copy.parent().unwrap()).unwrap();
        fs_err::copy(place.path("pbmc.h5ad"), copy).unwrap();
    }
    fs_err::remove_dir_all(place.path("made")).unwrap();
}

#[test]
fn every_example_runs() {
    let place = Place::new();
    let folder = Path::new(FERROME).parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    for command in COMMANDS {
        let examples = examples(&help(&place, command, 80));
        let ready = place_of_examples();
        let mut shell = Command::new("sh");
        ready.settle(shell.args(["-ec", &examples]).env("PATH", &path));
        // Waiting threads of OpenMP spin, which on a busy machine takes the time of those that compute.
        shell.env("HF_HOME", ready.path("cache")).env("OMP_WAIT_POLICY", "passive");
        let ended = Ended::of(shell.output().unwrap());
        assert_eq!(ended.code, Some(0), "{examples}\n{}", ended.stderr);
        assert!(examples.contains("ferrome"), "ferrome {command}");
    }
}
