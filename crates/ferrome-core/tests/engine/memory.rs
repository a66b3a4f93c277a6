use std::time::Duration;

use arrow::array::AsArray;
use tempfile::tempdir;

use crate::dummy::{Dummy, Model, Run, assert_rows, sequences, table};

#[test]
fn records_in_memory_do_not_grow_with_the_input() {
    let folder = tempdir().unwrap();
    let most = |count: usize, name: &str| {
        let task = Dummy::default();
        let slow = Model { delay: Duration::from_micros(200), ..Model::default() };
        let mut run = Run::new(&[], &slow);
        let rows = sequences(count);
        run.rows = &rows;
        (run.options.window_rows, run.options.window_tokens) = (20, None);
        run.options.batch_tokens = 200;
        run.task_into(&task, &folder.path().join(name)).unwrap();
        task.live.most()
    };
    // Records and their items of three windows in work and of one that is read, each of 20 rows.
    assert!(most(2000, "large") <= 2 * 4 * 20 + 20, "{}", most(2000, "again"));
    assert!(most(100, "small") >= 40);
}

#[test]
fn batch_without_room_is_halved_until_it_fits() {
    let folder = tempdir().unwrap();
    let rows = sequences(200);
    let model = Model { room: Some(62), ..Model::default() };
    let output = folder.path().join("out.parquet");
    let mut run = Run::new(&rows, &model);
    run.options.batch_tokens = 500;
    let summary = run.into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    let too_long = rows.iter().filter(|(_, sequence)| sequence.len() > 62).count();
    assert_eq!(summary.unique + too_long as u64, 200);
    assert!(model.calls.lock().unwrap().iter().all(|batch| batch.len() * batch[0].len() <= 62));
}

#[test]
fn single_item_without_room_is_a_rejected_row() {
    let folder = tempdir().unwrap();
    let mut rows = sequences(50);
    rows[17].1 = "M".repeat(300);
    let model = Model { room: Some(100), ..Model::default() };
    let output = folder.path().join("out.parquet");
    let summary = Run::new(&rows, &model).into(&output).unwrap();
    assert_eq!(summary.rejected.len(), 1);
    assert_eq!(summary.rejected[0].kind, "out of memory");
    assert_eq!((summary.rejected[0].count, summary.rejected[0].first.as_str()), (1, "sp|P00017"));
    let table = table(&output);
    assert_rows(&table, &rows);
    let reason = table.column(3).as_string::<i32>().value(17);
    assert_eq!(reason, "300 tokens do not fit into the device's memory, even alone");
}

#[test]
fn single_item_without_room_stops_a_strict_run() {
    let folder = tempdir().unwrap();
    let mut rows = sequences(50);
    rows[17].1 = "M".repeat(300);
    let mut run = Run::new(&rows, &Model { room: Some(100), ..Model::default() });
    run.options.strict = true;
    assert_eq!(
        run.into(&folder.path().join("out.parquet")).unwrap_err().to_string(),
        "record `sp|P00017`: 300 tokens do not fit into the device's memory, even alone (--strict stops at the first \
         rejected record)"
    );
}
