use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::ipc::reader::FileReader;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tempfile::tempdir;

use crate::dummy::{Model, Run, assert_rows, names, sequences};

fn rows() -> Vec<(String, String)> {
    let mut rows = sequences(30);
    rows[1].1 = "MJ".to_owned();
    rows[2] = ("with, comma".to_owned(), "A".to_owned());
    rows
}

#[test]
fn npy_holds_every_row_and_nan_for_the_rejected() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.npy");
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    assert_eq!(names(folder.path()), ["out.npy", "out.npy.ids.txt"]);
    let ids = fs_err::read_to_string(folder.path().join("out.npy.ids.txt")).unwrap();
    assert_eq!(ids.lines().collect::<Vec<_>>(), rows().iter().map(|(name, _)| name).collect::<Vec<_>>());
    let bytes = fs_err::read(&output).unwrap();
    assert!(
        bytes.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (30, 4), }")
    );
    assert_eq!(bytes.len(), 128 + 30 * 4 * 4);
    let number = |n: usize| f32::from_le_bytes(bytes[128 + 4 * n..][..4].try_into().unwrap());
    assert!((4..8).all(|n| number(n).is_nan()));
    assert_eq!([number(8), number(9), number(10), number(11)], [1.0, 65.0, 65.0, 65.0]);
}

#[test]
fn csv_holds_one_column_a_dimension() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.csv");
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    let text = fs_err::read_to_string(&output).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 31);
    assert_eq!(lines[0], "id,length,e0,e1,e2,e3,error");
    assert_eq!(lines[2], "sp|P00001,2,,,,,`J` is not a letter of the dummy");
    assert_eq!(lines[3], "\"with, comma\",1,1.0,65.0,65.0,65.0,");
}

#[test]
fn arrow_file_says_what_made_it() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.feather");
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    let reader = FileReader::try_new(std::fs::File::open(&output).unwrap(), None).unwrap();
    let schema = reader.schema();
    assert_eq!(schema.metadata()["ferrome.model"], "dummy");
    assert_eq!(schema.metadata()["ferrome.version"], env!("CARGO_PKG_VERSION"));
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_rows(&arrow::compute::concat_batches(&schema, &batches).unwrap(), &rows());
    assert_eq!(batches[0].column(3).as_string::<i32>().null_count(), batches[0].num_rows() - 1);
}

#[test]
fn parquet_file_says_what_made_it() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&output).unwrap()).unwrap();
    let entries = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let entries: BTreeMap<String, String> =
        entries.into_iter().map(|entry| (entry.key, entry.value.unwrap_or_default())).collect();
    let expected = [
        ("ferrome.batch_tokens", "64"),
        ("ferrome.layout", "padded"),
        ("ferrome.model", "dummy"),
        ("ferrome.version", env!("CARGO_PKG_VERSION")),
        ("ferrome.window_rows", "40"),
        ("ferrome.window_tokens", "512"),
    ];
    let found: Vec<_> = entries.iter().filter(|(key, _)| key.starts_with("ferrome.")).collect();
    assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
}
