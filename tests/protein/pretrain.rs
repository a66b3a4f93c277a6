//! `ferrome protein pretrain` on a few proteins: it learns, goes on exactly where it was, and refuses what it cannot do.

use std::thread::sleep;
use std::time::Duration;

use crate::support::inputs::{Random, proteins};
use crate::support::killed::{ended, signal, wait_for};
use crate::support::place::{Ended, Place};

/// One thread: two that wait for each other take ten times as long on a busy machine.
const LINE: &str = "protein pretrain in.fasta --config config.json --device cpu --threads 1";

const CONFIG: &str = r#"{"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "steps": 120,
    "batch_tokens": 512, "max_length": 128, "learning_rate": 0.01, "warmup_steps": 10, "held_out_share": 0.1,
    "evaluate_tokens": 4000, "evaluate_every": 30, "checkpoint_every": 30}"#;

fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &proteins(200));
    place.write("config.json", CONFIG);
    place
}

fn with(config: &str, old: &str, new: &str) -> String {
    assert!(config.contains(old), "{old}");
    config.replace(old, new)
}

/// The numbers of one column of `metrics.csv`.
fn metrics(place: &Place, folder: &str, column: &str) -> Vec<f64> {
    let text = place.text(format!("{folder}/metrics.csv"));
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    lines.map(|cells| cells[at].parse().unwrap()).collect()
}

fn refused(place: &Place, options: &str) -> String {
    let ended = place.run(&format!("{LINE} --quiet {options}"));
    ended.refusal()
}

#[test]
fn it_learns_and_its_model_embeds() {
    let place = place();
    let said = place.done(&format!("{LINE} -o model"));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "161 sequences (28350 residues) to train on, 27 held out, 11 identical to others",
            "1 records were left out, the first: p100: `J` at residue 225 is not an amino-acid letter of ESM (20 standard \
             letters, X B U Z O . - and <mask>)"
        ]
    );
    assert!(lines[2].starts_with("step 30: training perplexity "), "{said}");
    assert!(lines[6].starts_with("120 steps in ") && lines[6].contains("held-out perplexity "), "{said}");
    let files = [
        "baselines.json",
        "checkpoint.safetensors",
        "config.json",
        "loss.svg",
        "metrics.csv",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.txt",
    ];
    assert_eq!(place.names("model"), files);
    assert_eq!(metrics(&place, "model", "step"), [30.0, 60.0, 90.0, 120.0]);
    for column in ["train_loss", "held_out_loss"] {
        let loss = metrics(&place, "model", column);
        assert!(loss.last() < loss.first() && *loss.last().unwrap() < 33_f64.ln() - 0.3, "{column}: {loss:?}");
    }
    assert!(place.text("model/loss.svg").starts_with("<svg "));
    place.embed("specimens/plain.fasta -m model -o out.parquet --logits");
    assert_eq!(place.table("out.parquet").kind("embedding"), "FixedSizeList(32 x Float32)");
}

#[test]
fn stopped_and_continued_is_byte_identical() {
    let place = place();
    place.done(&format!("{LINE} --quiet -o whole"));
    // Ctrl-C, and what schedulers and systemd send.
    for name in ["INT", "TERM"] {
        stopped_by(&place, name);
        let line = format!("{LINE} --quiet -o {name}");
        place.done(&line);
        let weights = format!("{name}/model.safetensors");
        assert!(place.read(&weights) == place.read("whole/model.safetensors"), "stopped by {name}");
        assert_eq!(metrics(&place, name, "held_out_loss"), metrics(&place, "whole", "held_out_loss"));
        assert_eq!(metrics(&place, name, "train_loss"), metrics(&place, "whole", "train_loss"));
        // Once more: nothing is left to do.
        place.done(&line);
        assert!(place.read(&weights) == place.read("whole/model.safetensors"));
    }
}

/// Starts a run into the folder `name` and stops it by the signal `name` after its first measurement.
fn stopped_by(place: &Place, name: &str) {
    let mut child = place.start(&format!("{LINE} --quiet -o {name}"));
    wait_for(&place.path(format!("{name}/metrics.csv")), &mut child);
    signal(&child, name);
    let stopped = ended(child);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    let message = stopped.message();
    let step = message
        .strip_prefix("interrupted: ")
        .and_then(|rest| rest.strip_suffix(" of 120 steps done; run the same command again to go on"));
    let step: u32 = step.and_then(|step| step.parse().ok()).unwrap_or_else(|| panic!("{message}"));
    assert!((30..120).contains(&step));
}

#[test]
fn killed_and_continued_is_byte_identical() {
    let place = place();
    place.done(&format!("{LINE} --quiet --dtype f32 -o whole"));
    let mut random = Random(std::process::id().into());
    let line = format!("{LINE} --quiet --dtype f32 -o killed");
    for _ in 0..4 {
        let mut child = place.start(&line);
        sleep(Duration::from_secs_f64(0.1 + 0.9 * random.share()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.done(&line);
    assert!(place.read("killed/model.safetensors") == place.read("whole/model.safetensors"));
}

#[test]
fn second_run_into_the_same_folder_is_refused_while_the_first_works() {
    let place = place();
    place.write("config.json", with(CONFIG, r#""steps": 120"#, r#""steps": 1000000"#));
    let mut child = place.start(&format!("{LINE} --quiet -o model"));
    wait_for(&place.path("model/metrics.csv"), &mut child);
    for options in ["-o model", "-o model --overwrite"] {
        assert_eq!(
            refused(&place, options),
            "model: another run of ferrome is writing this output (it holds the lock model/.ferrome-lock)"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock of a killed run holds nobody.
    place.write("config.json", CONFIG);
    let message = refused(&place, "-o model");
    assert!(message.starts_with("model: an earlier run into this output differs: steps was `1000000`, "), "{message}");
    place.done(&format!("{LINE} --quiet -o model --overwrite"));
    assert!(!place.path("model/.ferrome-lock").exists());
}

#[test]
fn training_goes_on_from_a_checkpoint_of_anyone() {
    let place = place();
    place.write(
        "config.json",
        with(&with(CONFIG, r#""hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,"#, ""), "120", "30"),
    );
    place.done(&format!("{LINE} --quiet --from golden/esm2_hf -o tuned"));
    place.embed("specimens/plain.fasta -m tuned -o out.parquet");
    assert_eq!(place.table("out.parquet").kind("embedding"), "FixedSizeList(40 x Float32)");
    assert_eq!(
        refused(&place, "--from golden/esm1b_hf -o other"),
        "pretrain trains ESM-2 (rotary positions), found learned positions (ESM-1b, ESM-1v)"
    );
    assert_eq!(
        refused(&place, "-o nothing"),
        "nothing to train: give hidden_size, num_hidden_layers and num_attention_heads in --config, or a model with --from"
    );
}

#[test]
fn other_options_are_refused_with_what_differs() {
    let place = place();
    place.write("config.json", with(CONFIG, "120", "10"));
    place.done(&format!("{LINE} --quiet --dtype f32 -o model"));
    let before = place.read("model/model.safetensors");
    let differs = |what: &str| {
        format!(
            "model: an earlier run into this output differs: {what}; pass --overwrite to start anew, or choose another -o"
        )
    };
    assert_eq!(refused(&place, "--dtype bf16 -o model"), differs("dtype was `f32`, now `bf16`"));
    place.write("config.json", with(&with(CONFIG, "120", "20"), "0.01", "0.02"));
    assert_eq!(
        refused(&place, "--dtype f32 -o model"),
        differs("learning_rate was `0.01`, now `0.02`, steps was `10`, now `20`")
    );
    place.write("config.json", with(CONFIG, "120", "10"));
    place.fasta("in.fasta", &proteins(190));
    let message = refused(&place, "--dtype f32 -o model");
    assert!(message.starts_with("model: an earlier run into this output differs: data was `"), "{message}");
    assert!(place.read("model/model.safetensors") == before);
    place.done(&format!("{LINE} --quiet --dtype f32 -o model --overwrite"));
    assert!(place.read("model/model.safetensors") != before);
}

/// `-o` of a model that is there already, such as one that was downloaded.
#[test]
fn model_of_someone_else_is_not_overwritten() {
    let place = place();
    place.write("config.json", with(CONFIG, "120", "10"));
    for file in ["config.json", "model.safetensors"] {
        place.write(format!("theirs/{file}"), place.read(format!("golden/esm2_hf/{file}")));
    }
    assert_eq!(
        refused(&place, "-o theirs"),
        "theirs: holds a model already; pass --overwrite to replace it, or choose another -o"
    );
    assert_eq!(place.names("theirs"), ["config.json", "model.safetensors"]);
    place.done(&format!("{LINE} --quiet -o theirs --overwrite"));
    assert_eq!(metrics(&place, "theirs", "step"), [10.0]);
}

#[test]
fn bad_configurations() {
    let place = place();
    let cases = [
        ("{".to_owned(), "config.json: not JSON: EOF while parsing an object at line 1 column 1"),
        ("3".to_owned(), "config.json: invalid type: integer `3`, expected struct PretrainConfig"),
        (with(CONFIG, "steps", "step"), "config.json: unknown key `step`; did you mean `steps`?"),
        (with(CONFIG, "0.01", r#""fast""#), "config.json: invalid type: string \"fast\", expected f64"),
        (with(CONFIG, "120", "-1"), "config.json: invalid value: integer `-1`, expected u64"),
        (with(CONFIG, "512", "100"), "config.json: batch_tokens is 100, expected at least max_length + 2 = 130"),
        (
            with(CONFIG, r#""steps": 120"#, r#""mask_share": 1"#),
            "config.json: mask_share is 1, expected more than 0 and less than 1",
        ),
        (with(CONFIG, "120", "0"), "config.json: steps, evaluate_every and checkpoint_every must be at least 1"),
        (
            with(CONFIG, r#""num_attention_heads": 4"#, r#""num_attention_heads": 5"#),
            "config.json: hidden_size 32 does not divide into 5 heads of even width",
        ),
        (
            with(CONFIG, r#""num_attention_heads": 4,"#, ""),
            "config.json: `num_attention_heads` is missing or not a number",
        ),
        (
            with(CONFIG, r#""steps": 120"#, r#""position_embedding_type": "absolute""#),
            "pretrain trains ESM-2 (rotary positions), found learned positions (ESM-1b, ESM-1v)",
        ),
    ];
    for (config, message) in cases {
        place.write("config.json", &config);
        assert_eq!(refused(&place, "-o model"), message, "{config}");
    }
    let missing = place.run("protein pretrain in.fasta --config no.json -o model");
    assert!(missing.refusal().starts_with("failed to open file `no.json`: No such file or directory"));
    assert!(!place.path("model").exists() || place.names("model").is_empty());
}

#[test]
fn bad_data_and_options() {
    let place = place();
    place.write("one.fasta", ">a\nMKTAYIAKQR\n");
    let run = |input: &str, options: &str| -> Ended {
        place.run(&format!("protein pretrain {input} --config config.json -o model --quiet {options}"))
    };
    assert_eq!(run("no.fasta", "").refusal(), "no.fasta: no such file");
    assert_eq!(
        run("one.fasta", "").refusal(),
        "too few sequences to train: 1 to train on and 0 held out; give more, or another held_out_share"
    );
    assert_eq!(run("in.fasta", "--dtype f16").refusal(), "training in f16 would need loss scaling: use bf16 or f32");
    assert_eq!(run("in.fasta", "--from nowhere/model").code, Some(1));
    place.write("config.json", with(CONFIG, "0.01", "1e30"));
    let diverged = run("in.fasta", "--dtype f32 --threads 1");
    assert_eq!(diverged.refusal(), "training diverged: the gradient is not a number; lower learning_rate");
}
