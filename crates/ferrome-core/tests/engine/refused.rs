use std::path::Path;

use ferrome_core::journal::RunDescription;
use tempfile::tempdir;

use crate::dummy::{Model, Run, files, names, sequences};

fn message(run: Run<'_>, output: &Path) -> String {
    run.into(output).unwrap_err().to_string()
}

/// A folder of parts of a run that broke halfway.
fn broken(output: &Path, rows: &[(String, String)]) {
    let model = Model { breaks_at: Some(rows[150].1.clone().into_bytes()), ..Model::default() };
    assert_eq!(message(Run::new(rows, &model), output), "cuda:0: the device fell off the bus");
}

#[test]
fn other_options_are_listed() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = sequences(200);
    broken(&output, &rows);
    let before = names(&output);
    let mut run = Run::new(&rows, &Model::default());
    run.description = RunDescription::new().with("model", "esm2").with("pool", "mean");
    run.options.batch_tokens = 128;
    assert_eq!(
        message(run, &output),
        format!(
            "{}: an earlier run into this output differs: model was `dummy`, now `esm2`, batch_tokens was `64`, now \
             `128`, pool was not set, now `mean`; pass --overwrite to start anew, or choose another -o",
            output.display()
        )
    );
    assert_eq!(names(&output), before);
}

#[test]
fn other_options_against_a_complete_folder_leave_it_as_it_is() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = sequences(100);
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    let before = files(&output);
    let mut run = Run::new(&rows, &Model::default());
    run.description.set("model", "esm2");
    assert_eq!(
        message(run, &output),
        format!(
            "{}: an earlier run into this output differs: model was `dummy`, now `esm2`; pass --overwrite to start anew, \
             or choose another -o",
            output.display()
        )
    );
    assert_eq!(files(&output), before);
}

#[test]
fn input_that_changed_is_refused() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = sequences(200);
    broken(&output, &rows);
    let part = output.join("part-00000.parquet");
    let mut changed = rows.clone();
    changed[3].1 = rows[4].1.replace('A', "G") + "W";
    let text = message(Run::new(&changed, &Model::default()), &output);
    let start = format!("{}: the input changed since this part was written (it", part.display());
    assert!(text.starts_with(&start), "{text}");
    let mut renamed = rows.clone();
    renamed[3].0 = "other".to_owned();
    let text = message(Run::new(&renamed, &Model::default()), &output);
    let rows_there = text.split("its ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(
        text,
        format!(
            "{}: the input changed since this part was written (its {rows_there} rows have other names or content); pass \
             --overwrite to start anew",
            part.display()
        )
    );
    let text = message(Run::new(&rows[..3], &Model::default()), &output);
    assert!(text.ends_with("rows, now there are 3); pass --overwrite to start anew"), "{text}");
}

#[test]
fn existing_file_is_refused_and_replaced_on_demand() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    let rows = sequences(50);
    fs_err::write(&output, "precious").unwrap();
    assert_eq!(
        message(Run::new(&rows, &Model::default()), &output),
        format!("{}: exists already; pass --overwrite to replace it, or choose another name", output.display())
    );
    assert_eq!(names(folder.path()), ["out.parquet"]);
    let mut run = Run::new(&rows, &Model::default());
    run.options.overwrite = true;
    run.into(&output).unwrap();
    assert_eq!(names(folder.path()), ["out.parquet"]);
}

#[test]
fn overwrite_starts_anew_with_other_options() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = sequences(200);
    broken(&output, &rows);
    let mut run = Run::new(&rows[..30], &Model::default());
    run.options.overwrite = true;
    run.description.set("model", "esm2");
    run.into(&output).unwrap();
    let other = folder.path().join("other");
    let mut run = Run::new(&rows[..30], &Model::default());
    run.description.set("model", "esm2");
    run.into(&other).unwrap();
    assert_eq!(files(&output), files(&other));
}

#[test]
fn folder_with_foreign_files_is_never_touched() {
    let folder = tempdir().unwrap();
    let rows = sequences(50);
    for (file, overwrite) in [("notes.txt", false), ("notes.txt", true), ("part-00000.parquet", true)] {
        let output = folder.path().join(format!("{file}{overwrite}.d"));
        fs_err::create_dir(&output).unwrap();
        fs_err::write(output.join(file), "precious").unwrap();
        let mut run = Run::new(&rows, &Model::default());
        run.options.overwrite = overwrite;
        assert_eq!(
            message(run, &output),
            format!(
                "{}: holds `{file}`, which ferrome did not write; choose an empty or new folder for -o",
                output.display()
            )
        );
        assert_eq!(names(&output), [file]);
    }
}

#[test]
fn second_run_at_the_same_time_is_refused() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    fs_err::create_dir_all(output.join("_run")).unwrap();
    let lock = std::fs::File::create(output.join("_run/lock")).unwrap();
    lock.lock().unwrap();
    let rows = sequences(50);
    assert_eq!(
        message(Run::new(&rows, &Model::default()), &output),
        format!(
            "{0}: another run of ferrome is writing this output (it holds the lock {0}/_run/lock)",
            output.display()
        )
    );
    drop(lock);
    Run::new(&rows, &Model::default()).into(&output).unwrap();
}

#[test]
fn damaged_journal_is_named() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    let work = folder.path().join("out.parquet.run");
    fs_err::create_dir(&work).unwrap();
    fs_err::write(work.join("run.json"), "{").unwrap();
    assert_eq!(
        message(Run::new(&sequences(5), &Model::default()), &output),
        format!(
            "{}: is not a journal of ferrome (EOF while parsing an object at line 1 column 1); pass --overwrite to start \
             anew",
            work.join("run.json").display()
        )
    );
}

#[test]
fn model_with_too_few_rows_is_a_defect() {
    let folder = tempdir().unwrap();
    let model = Model { short_by: 1, ..Model::default() };
    let rows = vec![("a".to_owned(), "MK".to_owned()), ("b".to_owned(), "MV".to_owned())];
    let column = "rows of embedding (FixedSizeList(4 x non-null Float32))";
    assert_eq!(
        message(Run::new(&rows, &model), &folder.path().join("out.parquet")),
        format!("the model returned 1 {column} for a batch, expected 2 {column}")
    );
}

#[test]
fn job_without_workers_is_refused() {
    let folder = tempdir().unwrap();
    let rows = sequences(5);
    let run = Run { models: Vec::new(), ..Run::new(&rows, &Model::default()) };
    let text = message(run, &folder.path().join("out.parquet"));
    assert_eq!(text, "no device to run on: the job was given no worker");
    assert_eq!(names(folder.path()), [""; 0]);
}
