use std::time::Duration;

use ferrome_core::engine::Totals;
use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, files, names, sequences, table};

const OUTPUTS: [&str; 5] = ["out/", "out.parquet", "out.npy", "out.arrow", "out.csv"];

#[test]
fn run_that_broke_goes_on_without_computing_anything_twice() {
    let rows = sequences(400);
    for name in OUTPUTS {
        let folder = tempdir().unwrap();
        let (output, whole) = (folder.path().join(name), folder.path().join(format!("whole-{name}")));
        let undisturbed = Model::default();
        Run::new(&rows, &undisturbed).into(&whole).unwrap();
        let first = Model { breaks_at: Some(rows[217].1.clone().into_bytes()), ..Model::default() };
        Run::new(&rows, &first).into(&output).unwrap_err();
        let second = Model::default();
        let summary = Run::new(&rows, &second).into(&output).unwrap();
        assert_eq!(files(&output), files(&whole), "{name}");
        assert_eq!(first.computed() + second.computed(), 400, "{name}");
        assert!(summary.resumed_rows > 100 && summary.rows == 400, "{name}: {summary}");
        assert_eq!(summary.unique, 400);
    }
}

#[test]
fn read_error_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    let rows = sequences(400);
    let output = folder.path().join("out");
    let first = Model::default();
    let run = Run { unreadable_after: 333, ..Run::new(&rows, &first) };
    assert_eq!(run.into(&output).unwrap_err().to_string(), "proteins.fa.gz: the gzip stream ends early");
    let second = Model::default();
    Run::new(&rows, &second).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!(first.computed() + second.computed(), 400);
}

#[test]
fn interrupted_run_says_how_to_go_on() {
    let folder = tempdir().unwrap();
    let rows = sequences(400);
    let (output, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let first = Model { delay: Duration::from_millis(5), ..Model::default() };
    let run = Run::new(&rows, &first);
    let interrupt = run.options.interrupt.clone();
    let raise = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        interrupt.raise();
    });
    let text = run.into(&output).unwrap_err().to_string();
    raise.join().unwrap();
    assert_eq!(text, format!("interrupted: {} rows done; run the same command again to go on", first.computed()));
    assert!(first.computed() > 0 && first.computed() < 400);
    let second = Model::default();
    Run::new(&rows, &second).into(&output).unwrap();
    Run::new(&rows, &Model::default()).into(&whole).unwrap();
    assert_eq!(files(&output), files(&whole));
    assert_eq!(first.computed() + second.computed(), 400);
}

#[test]
fn interrupted_run_that_overwrites_says_to_go_on_without() {
    let folder = tempdir().unwrap();
    let rows = sequences(50);
    let mut run = Run::new(&rows, &Model::default());
    run.options.overwrite = true;
    run.totals = Some(Totals { rows: 50, tokens: None });
    run.options.interrupt.raise();
    let text = run.into(&folder.path().join("out")).unwrap_err().to_string();
    assert_eq!(text, "interrupted: 0 of 50 rows done; run the same command again without --overwrite to go on");
}

#[test]
fn complete_folder_is_left_as_it_is() {
    let folder = tempdir().unwrap();
    let rows = sequences(100);
    let output = folder.path().join("out");
    let first = Run::new(&rows, &Model::default()).into(&output).unwrap();
    let before = files(&output);
    let model = Model::default();
    let second = Run::new(&rows, &model).into(&output).unwrap();
    assert!(second.already_complete && !first.already_complete);
    assert_eq!((second.rows, second.unique, second.tokens), (first.rows, first.unique, first.tokens));
    assert_eq!((files(&output), model.computed()), (before, 0));
}

#[test]
fn part_that_was_deleted_is_computed_again() {
    let folder = tempdir().unwrap();
    let rows = sequences(200);
    let output = folder.path().join("out");
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    let before = files(&output);
    for part in ["part-00001.parquet", before.last().unwrap().0.as_str()] {
        fs_err::remove_file(output.join(part)).unwrap();
        Run::new(&rows, &Model::default()).into(&output).unwrap();
        assert_eq!(files(&output), before, "{part}");
    }
}

#[test]
fn run_that_was_stopped_before_tidying_up_only_tidies_up() {
    let folder = tempdir().unwrap();
    let rows = sequences(100);
    let (output, work) = (folder.path().join("out.parquet"), folder.path().join("out.parquet.run"));
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    let before = files(&output);
    fs_err::create_dir(&work).unwrap();
    let statistics = r#"{"rows":100,"unique":100,"duplicates":0,"tokens":9,"padded_tokens":9,"rejected":[]}"#;
    let description = r#"[["version","0.1.0"],["model","dummy"],["layout","padded"],["batch_tokens","64"],
        ["window_tokens","512"],["window_rows","40"]]"#;
    let journal = format!(r#"{{"description":{description},"merged":{statistics}}}"#);
    fs_err::write(work.join("run.json"), journal.replace("0.1.0", env!("CARGO_PKG_VERSION"))).unwrap();
    let model = Model::default();
    let summary = Run::new(&rows, &model).into(&output).unwrap();
    assert_eq!((files(&output), model.computed(), summary.rows), (before, 0, 100));
    assert!(summary.already_complete);
    assert_eq!(names(folder.path()), ["out.parquet"]);
}

#[test]
fn run_that_was_stopped_before_merging_only_merges() {
    let folder = tempdir().unwrap();
    let rows = sequences(100);
    let (output, whole) = (folder.path().join("out.parquet"), folder.path().join("whole.parquet"));
    Run::new(&rows, &Model::default()).into(&folder.path().join("out.parquet.run/")).unwrap();
    Run::new(&rows, &Model::default()).into(&whole).unwrap();
    let model = Model::default();
    let summary = Run::new(&rows, &model).into(&output).unwrap();
    assert_eq!((files(&output), model.computed(), summary.resumed_rows), (files(&whole), 0, 100));
    assert_eq!(names(folder.path()), ["out.parquet", "whole.parquet"]);
}

#[test]
fn spill_of_another_run_is_not_taken() {
    let folder = tempdir().unwrap();
    let rows = sequences(100);
    let (output, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let first = Model { breaks_at: Some(rows[5].1.clone().into_bytes()), ..Model::default() };
    Run::new(&rows, &first).into(&output).unwrap_err();
    let work = output.join("_run");
    let spills: Vec<String> = names(&work).into_iter().filter(|name| name.ends_with(".spill")).collect();
    assert!(!spills.is_empty());
    for spill in &spills {
        fs_err::write(work.join(spill), "damaged").unwrap();
    }
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    Run::new(&rows, &Model::default()).into(&whole).unwrap();
    assert_eq!(files(&output), files(&whole));
}
