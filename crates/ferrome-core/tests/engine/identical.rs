use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, sequences, table};

#[test]
fn identical_inputs_are_computed_once_in_a_window_and_across_windows() {
    let folder = tempdir().unwrap();
    let mut rows = sequences(200);
    // In the same window, in the next, and in all later ones.
    for (n, of) in [(5, 3), (60, 3), (150, 3), (151, 70), (199, 0), (198, 0)] {
        rows[n].1 = rows[of].1.clone();
    }
    let model = Model::default();
    let output = folder.path().join("out/");
    let summary = Run::new(&rows, &model).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!(model.computed(), 194);
    assert_eq!((summary.rows, summary.unique, summary.duplicates), (200, 194, 6));
}

#[test]
fn a_whole_input_of_one_sequence_is_computed_once() {
    let folder = tempdir().unwrap();
    let rows: Vec<_> = (0..300).map(|n| (format!("r{n}"), "MKV".to_owned())).collect();
    let model = Model::default();
    let output = folder.path().join("out.parquet");
    Run::new(&rows, &model).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!(model.computed(), 1);
}

#[test]
fn a_row_that_repeats_one_without_room_has_its_reason_too() {
    let folder = tempdir().unwrap();
    let mut rows = sequences(100);
    rows[2].1 = "M".repeat(90);
    rows[99].1 = rows[2].1.clone();
    let model = Model { room: Some(80), ..Model::default() };
    let output = folder.path().join("out/");
    let summary = Run::new(&rows, &model).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!((summary.rejected[0].count, summary.rejected[0].first.as_str()), (2, "sp|P00002"));
    assert_eq!((summary.unique, summary.duplicates), (98, 0));
}
