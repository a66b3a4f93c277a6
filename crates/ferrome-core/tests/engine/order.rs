use std::time::Duration;

use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, files, names, sequences, table};

#[test]
fn rows_keep_the_order_of_the_input() {
    let folder = tempdir().unwrap();
    let rows = sequences(500);
    let output = folder.path().join("out.parquet");
    let summary = Run::new(&rows, &Model::default()).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    let tokens: usize = rows.iter().map(|(_, sequence)| sequence.len()).sum();
    assert_eq!((summary.rows, summary.unique, summary.duplicates), (500, 500, 0));
    assert_eq!((summary.tokens, summary.computed_tokens), (tokens as u64, tokens as u64));
    assert!(!summary.already_complete && summary.rejected.is_empty() && summary.resumed_rows == 0);
    assert_eq!(names(folder.path()), ["out.parquet"]);
}

#[test]
fn several_workers_of_which_one_is_slow_write_the_same_bytes_as_one() {
    let folder = tempdir().unwrap();
    let rows = sequences(600);
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    let model = Model::default();
    Run::new(&rows, &model).into(&one).unwrap();
    let slow = Model { delay: Duration::from_millis(25), ..Model::default() };
    let fast = Model { delay: Duration::from_millis(2), ..Model::default() };
    let models = vec![slow.clone(), fast.clone(), fast.clone()];
    Run { models, ..Run::new(&rows, &model) }.into(&many).unwrap();
    assert_eq!(files(&one), files(&many));
    assert!(slow.computed() > 0 && fast.computed() > slow.computed());
    // The same batches, whoever computed them.
    let mut batches = [slow.calls.lock().unwrap().clone(), fast.calls.lock().unwrap().clone()].concat();
    let mut alone = model.calls.lock().unwrap().clone();
    batches.sort();
    alone.sort();
    assert_eq!(batches, alone);
}

#[test]
fn batches_are_sorted_by_length_and_within_the_budget() {
    let folder = tempdir().unwrap();
    let model = Model::default();
    let summary = Run::new(&sequences(300), &model).into(&folder.path().join("out/")).unwrap();
    for batch in model.calls.lock().unwrap().iter() {
        assert!(batch.is_sorted_by_key(|letters| std::cmp::Reverse(letters.len())));
        assert!(batch.len() == 1 || batch.len() * batch[0].len() <= 64);
    }
    assert!(summary.padding() < 0.2, "{}", summary.padding());
}

#[test]
fn thread_count_does_not_change_the_output() {
    let folder = tempdir().unwrap();
    let rows = sequences(300);
    let mut run = Run::new(&rows, &Model::default());
    run.options.threads = 1;
    run.into(&folder.path().join("one.arrow")).unwrap();
    let mut run = Run::new(&rows, &Model::default());
    run.options.threads = 7;
    run.into(&folder.path().join("seven.arrow")).unwrap();
    assert_eq!(files(&folder.path().join("one.arrow")), files(&folder.path().join("seven.arrow")));
}

#[test]
fn input_without_records_is_a_table_without_rows() {
    let folder = tempdir().unwrap();
    for name in ["out.parquet", "out.arrow", "out.csv", "out.npy", "out/"] {
        let summary = Run::new(&[], &Model::default()).into(&folder.path().join(name)).unwrap();
        assert_eq!(summary.rows, 0, "{name}");
    }
    assert_eq!(names(&folder.path().join("out")), ["part-00000.parquet"]);
    assert_eq!(fs_err::read_to_string(folder.path().join("out.csv")).unwrap(), "id,length,e0,e1,e2,e3,error\n");
}
