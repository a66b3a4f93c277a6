use arrow::array::{Array, AsArray};
use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, names, sequences, table};

fn rows() -> Vec<(String, String)> {
    let mut rows = sequences(120);
    rows[50].1 = "MJK".to_owned();
    rows[51].1 = String::new();
    rows[90].1 = "JJ".to_owned();
    rows
}

#[test]
fn rejected_rows_stay_with_nulls_and_their_reason() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out/");
    let summary = Run::new(&rows(), &Model::default()).into(&output).unwrap();
    let table = table(&output);
    assert_rows(&table, &rows());
    let errors = table.column(3).as_string::<i32>();
    assert_eq!(errors.value(50), "`J` is not a letter of the dummy");
    assert_eq!(errors.value(51), "has no sequence");
    assert_eq!(errors.null_count(), 117);
    let rejected: Vec<_> = summary.rejected.iter().map(|r| (r.kind.as_str(), r.count, r.first.as_str())).collect();
    assert_eq!(rejected, [("letter outside the alphabet", 2, "sp|P00050"), ("no sequence", 1, "sp|P00051")]);
    assert_eq!((summary.unique, summary.duplicates), (117, 0));
}

#[test]
fn input_of_rejected_rows_only_needs_no_model() {
    let folder = tempdir().unwrap();
    let rows: Vec<_> = (0..90).map(|n| (format!("r{n}"), "J".to_owned())).collect();
    let model = Model::default();
    let output = folder.path().join("out.parquet");
    Run::new(&rows, &model).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!(model.computed(), 0);
}

#[test]
fn strict_run_stops_at_the_first_and_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = rows();
    let mut run = Run::new(&rows, &Model::default());
    run.options.strict = true;
    assert_eq!(
        run.into(&output).unwrap_err().to_string(),
        "record `sp|P00050`: `J` is not a letter of the dummy (--strict stops at the first rejected record)"
    );
    // Without it, the run goes on from there.
    assert!(names(&output).contains(&"_run".to_owned()));
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert!(!names(&output).contains(&"_run".to_owned()));
}

#[test]
fn strict_run_refuses_a_complete_output_with_rejected_rows() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = rows();
    Run::new(&rows, &Model::default()).into(&output).unwrap();
    let mut run = Run::new(&rows, &Model::default());
    run.options.strict = true;
    assert_eq!(
        run.into(&output).unwrap_err().to_string(),
        "record `sp|P00050`: letter outside the alphabet (--strict stops at the first rejected record)"
    );
    assert!(!names(&output).contains(&"_run".to_owned()));
}
