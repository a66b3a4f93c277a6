use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Int16Type, Int64Type};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;

use super::*;

type Rows = Vec<Option<Vec<Option<i64>>>>;

fn table(rows: Rows, others: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let tokens: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows));
    RecordBatch::try_from_iter_with_nullable(
        [("input_ids", tokens, true)].into_iter().chain(others.into_iter().map(|(name, column)| (name, column, true))),
    )
    .unwrap()
}

fn some(tokens: &[i64]) -> Option<Vec<Option<i64>>> {
    Some(tokens.iter().copied().map(Some).collect())
}

fn written(folder: &Path, name: &str, table: &RecordBatch) -> PathBuf {
    let path = folder.join(name);
    let file = fs_err::File::create(&path).unwrap().into_file();
    match path.extension().and_then(|suffix| suffix.to_str()).unwrap() {
        "parquet" => {
            let mut writer = ArrowWriter::try_new(file, table.schema(), None).unwrap();
            writer.write(table).unwrap();
            writer.close().unwrap();
        }
        "arrow" => {
            let mut writer = FileWriter::try_new(file, table.schema_ref()).unwrap();
            writer.write(table).unwrap();
            writer.finish().unwrap();
        }
        _ => {
            let mut writer = StreamWriter::try_new(file, table.schema_ref()).unwrap();
            writer.write(table).unwrap();
            writer.finish().unwrap();
        }
    }
    path
}

fn cells(path: &Path) -> Vec<TokenCell> {
    open(path).unwrap().map(Result::unwrap).collect()
}

#[test]
fn rows_are_the_same_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let types: ArrayRef = Arc::new(StringArray::from(vec![Some("B"), None, Some("T")]));
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    let table = table(vec![some(&[5, 3]), some(&[]), some(&[40_000])], vec![("cell_id", ids), ("type", types)]);
    for name in ["t.parquet", "t.arrow", "t.stream"] {
        let path = written(folder.path(), name, &table);
        assert!(is_tokens(&path).unwrap(), "{name}");
        let cells = cells(&path);
        let tokens: Vec<_> = cells.iter().map(|cell| cell.tokens.clone().unwrap()).collect();
        assert_eq!(tokens, [vec![5, 3], vec![], vec![40_000]], "{name}");
        assert_eq!(
            cells.iter().map(|cell| (cell.row, cell.id.as_str())).collect::<Vec<_>>(),
            [(1, "x"), (2, "y"), (3, "z")]
        );
        assert_eq!(cells[2].obs.schema().field(0).name(), "type");
        assert_eq!((cells[2].obs.num_columns(), cells[2].place), (1, 2));
    }
}

#[test]
fn folder_of_datasets_names_its_files_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let shard = |token| table(vec![some(&[token])], vec![]);
    written(folder.path(), "data-00000-of-00002.stream", &shard(7));
    written(folder.path(), "data-00001-of-00002.stream", &shard(8));
    let state =
        r#"{"_data_files": [{"filename": "data-00000-of-00002.stream"}, {"filename": "data-00001-of-00002.stream"}]}"#;
    fs_err::write(folder.path().join("state.json"), state).unwrap();
    let cells = cells(folder.path());
    let all: Vec<_> = cells.iter().map(|cell| (cell.row, cell.id.as_str(), cell.tokens.clone().unwrap())).collect();
    assert_eq!(all, [(1, "0", vec![7]), (2, "1", vec![8])]);
}

#[test]
fn short_tokens_and_values_of_other_widths() {
    let folder = tempfile::tempdir().unwrap();
    let tokens: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int16Type, _, _>([
        Some(vec![Some(9), Some(4)]),
        Some(vec![Some(1)]),
    ]));
    let values: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>([
        Some(vec![Some(-2.0), Some(3.5)]),
        Some(vec![]),
    ]));
    let lengths: ArrayRef = Arc::new(Int64Array::from(vec![2, 1]));
    let table = RecordBatch::try_from_iter([("input_ids", tokens), ("expr", values), ("length", lengths)]).unwrap();
    let cells = cells(&written(folder.path(), "t.parquet", &table));
    assert_eq!(cells[0].values, Some(vec![-2.0, 3.5]));
    assert_eq!(cells[1].tokens.clone().unwrap_err(), "there are 0 values for 1 tokens");
}

#[test]
fn rows_that_cannot_be_used_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let errors: ArrayRef = Arc::new(StringArray::from(vec![Some("a negative count"), None, None, None]));
    let lengths: ArrayRef = Arc::new(Int64Array::from(vec![None, None, Some(2), Some(5)]));
    let rows = vec![None, None, Some(vec![Some(1), None]), some(&[1])];
    let table = table(rows, vec![("error", errors), ("length", lengths)]);
    let reasons: Vec<String> =
        cells(&written(folder.path(), "t.parquet", &table)).into_iter().map(|cell| cell.tokens.unwrap_err()).collect();
    assert_eq!(
        reasons,
        [
            "a negative count",
            "`input_ids` is null",
            "`input_ids` has 1 nulls among its 2 tokens",
            "`length` is 5, and `input_ids` has 1 tokens"
        ]
    );
}

#[test]
fn what_holds_no_tokens_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let other = RecordBatch::try_from_iter([("x", numbers)]).unwrap();
    let path = written(folder.path(), "t.parquet", &other);
    assert!(!is_tokens(&path).unwrap());
    let refused = |path: &Path| open(path).err().unwrap().to_string();
    assert_eq!(
        refused(&path),
        format!("{}: holds no tokens: no column `input_ids`; found `x` (Float32)", path.display())
    );
    let text = folder.path().join("t.txt");
    fs_err::write(&text, "input_ids").unwrap();
    assert!(refused(&text).ends_with("holds no tokens: expected Parquet, Arrow, or a folder of `datasets`"));
    let splits = folder.path().join("both");
    fs_err::create_dir(&splits).unwrap();
    fs_err::write(splits.join("dataset_dict.json"), r#"{"splits": ["train", "test"]}"#).unwrap();
    assert_eq!(
        refused(&splits),
        format!("{0}: holds several datasets; give one of {0}/train, {0}/test", splits.display())
    );
}

#[test]
fn tokens_beyond_32_bits_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "t.parquet", &table(vec![some(&[1 << 40])], vec![]));
    let error = open(&path).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
}

#[test]
fn shards_outside_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = |name: &str| {
        fs_err::write(folder.path().join("state.json"), format!(r#"{{"_data_files": [{{"filename": "{name}"}}]}}"#))
            .unwrap();
        open(folder.path()).err().unwrap().to_string()
    };
    assert!(state("../secret").ends_with("`_data_files` holds something else than names of files"));
}
