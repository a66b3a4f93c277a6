use ferrome_core::Error;
use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, sequences, table};

#[test]
fn model_that_panics_stops_the_run_and_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let rows = sequences(600);
    let panics = Model { panics: true, delay: std::time::Duration::from_millis(30), ..Model::default() };
    let good = Model::default();
    let run = Run { models: vec![panics, good.clone()], ..Run::new(&rows, &good) };
    assert_eq!(run.into(&output).unwrap_err().to_string(), "a thread of the engine panicked; what is done is kept");
    let again = Model::default();
    Run::new(&rows, &again).into(&output).unwrap();
    assert_rows(&table(&output), &rows);
    assert_eq!(good.computed() + again.computed(), 600);
}

#[test]
fn worker_that_cannot_be_built_stops_the_run() {
    let folder = tempdir().unwrap();
    let rows = sequences(50);
    let good = Model::default();
    let broken = Model { cannot_be_built: true, ..Model::default() };
    let run = Run { models: vec![good.clone(), broken], ..Run::new(&rows, &good) };
    let error = run.into(&folder.path().join("out")).unwrap_err();
    assert_eq!(error.to_string(), "cuda:1: no such device");
    assert!(matches!(error, Error::Worker(_)));
}
