//! Jobs without a model: order, resuming, troubles, and the folders that `datasets` opens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "clippy knows tests only by #[test]")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use ferrome_core::Result;
use ferrome_core::engine::{BoxError, Conversion, Converted, Options, RejectedRow, Rejection, Stream, Summary, stream};
use ferrome_core::fingerprint::identity;
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::tempdir;

/// Squares numbers; those below zero are rejected.
struct Squares {
    delay: Duration,
}

impl Conversion for Squares {
    type Block = Vec<i64>;

    fn schema(&self) -> SchemaRef {
        let name = Field::new("name", DataType::Utf8, false);
        Arc::new(Schema::new(vec![name, Field::new("square", DataType::Int64, true)]))
    }

    fn rows(&self, block: &Vec<i64>) -> usize {
        block.len()
    }

    fn digest(&self, block: &Vec<i64>) -> u128 {
        identity(format!("{block:?}").as_bytes())
    }

    fn convert(&self, block: Vec<i64>) -> Result<Converted, BoxError> {
        sleep(self.delay);
        if block.contains(&666) {
            return Err("666 breaks the conversion".into());
        }
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(block.iter().map(|number| format!("n{number}"))));
        let square = |&number: &i64| (number >= 0).then_some(number * number);
        let squares: ArrayRef = Arc::new(block.iter().map(square).collect::<Int64Array>());
        let rejection =
            |number: i64| Rejection { kind: "negative".to_owned(), reason: format!("{number} is negative") };
        let negative = block.iter().enumerate().filter(|(_, number)| **number < 0);
        let rejected = negative
            .map(|(row, &number)| RejectedRow { row, name: format!("n{number}"), rejection: rejection(number) })
            .collect();
        Ok(Converted {
            table: RecordBatch::try_new(self.schema(), vec![names, squares])?,
            tokens: block.len() as u64,
            rejected,
        })
    }
}

fn blocks() -> Vec<Vec<i64>> {
    (0..40).map(|block| (0..50 + block % 7).map(|row| block * 100 + row).collect()).collect()
}

fn go(output: Output, blocks: Vec<Vec<i64>>, options: Options) -> Result<Summary> {
    let conversion = Squares { delay: Duration::ZERO };
    let description = RunDescription::new().with("power", 2);
    let job = Stream {
        conversion: &conversion,
        options: Options { quiet: true, ..options },
        description,
        output,
        totals: None,
    };
    stream(job, blocks.into_iter().map(Ok))
}

fn threads(threads: usize) -> Options {
    Options { threads, ..Options::default() }
}

fn parse(path: &Path) -> Output {
    Output::parse(path).unwrap()
}

fn numbers(path: &Path) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs_err::File::open(path).unwrap().into_file()).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    batches.flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// Names and contents of all files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs_err::read(&path).unwrap())).collect()
}

#[test]
fn rows_keep_their_order_whatever_the_number_of_threads() {
    let folder = tempdir().unwrap();
    let (one, four) = (folder.path().join("one.parquet"), folder.path().join("four.parquet"));
    let summary = go(parse(&one), blocks(), threads(1)).unwrap();
    go(parse(&four), blocks(), threads(4)).unwrap();
    let expected: Vec<i64> = blocks().into_iter().flatten().map(|number| number * number).collect();
    assert_eq!(numbers(&one), expected);
    assert_eq!(fs_err::read(&one).unwrap(), fs_err::read(&four).unwrap());
    assert_eq!(summary.rows, expected.len() as u64);
    assert!(!folder.path().join("one.parquet.run").exists());
}

#[test]
fn rejected_rows_stay_with_their_reason_and_are_counted_from_the_first() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.csv");
    let summary = go(parse(&output), vec![vec![1, 2], vec![3, -4], vec![-5, 6]], threads(3)).unwrap();
    let expected = "name,square,error\nn1,1,\nn2,4,\nn3,9,\nn-4,,-4 is negative\nn-5,,-5 is negative\nn6,36,\n";
    assert_eq!(fs_err::read_to_string(&output).unwrap(), expected);
    let text = summary.to_string();
    assert!(text.starts_with("6 rows: 4 computed, 2 rejected (negative, first `n-4`); 6 tokens in "), "{text}");
    assert!(!text.contains("padding"), "{text}");
}

#[test]
fn strict_run_stops_at_the_first_rejected_row_and_leaves_no_output() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    let strict = Options { strict: true, ..threads(1) };
    let message = go(parse(&output), vec![vec![1], vec![-2]], strict).unwrap_err().to_string();
    assert_eq!(message, "record `n-2`: -2 is negative (--strict stops at the first rejected record)");
    assert!(!output.exists());
}

#[test]
fn failed_run_goes_on_with_what_it_has() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let mut broken = blocks();
    broken[20] = vec![666];
    let message = go(parse(&output), broken, threads(1)).unwrap_err().to_string();
    assert_eq!(message, "666 breaks the conversion");
    let done = files(&output.join("_run")).len();
    assert_eq!(done, 2, "only the journal and the lock");
    let summary = go(parse(&output), blocks(), threads(2)).unwrap();
    assert_eq!(summary.resumed_rows, blocks().iter().take(20).map(|block| block.len() as u64).sum::<u64>());
    let whole = folder.path().join("whole");
    go(parse(&whole), blocks(), threads(2)).unwrap();
    assert_eq!(files(&output), files(&whole));
    let again = go(parse(&output), blocks(), threads(2)).unwrap().to_string();
    assert!(again.ends_with("already complete, nothing to do"), "{again}");
}

#[test]
fn changed_input_is_refused() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("out");
    let mut broken = blocks();
    broken[2] = vec![666];
    go(parse(&output), broken, threads(1)).unwrap_err();
    let mut changed = blocks();
    changed[0][7] = 7_000;
    let message = go(parse(&output), changed, threads(1)).unwrap_err().to_string();
    assert!(message.contains("part-00000.parquet") && message.contains("have other names or content"), "{message}");
}

/// Names and squares of the shards, in order.
fn shards(folder: &Path) -> Vec<i64> {
    let state: serde_json::Value = serde_json::from_slice(&fs_err::read(folder.join("state.json")).unwrap()).unwrap();
    assert_eq!(state["_fingerprint"].as_str().unwrap().len(), 16);
    let names = state["_data_files"].as_array().unwrap().iter().map(|file| file["filename"].as_str().unwrap());
    let read = |name: &str| StreamReader::try_new(fs_err::File::open(folder.join(name)).unwrap(), None).unwrap();
    let batches = names.flat_map(|name| read(name).map(Result::unwrap).collect::<Vec<_>>());
    batches.flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn hugging_face_folder_holds_streams_and_the_two_files_beside_them() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("tokens");
    go(Output::hugging_face(&output), blocks(), threads(2)).unwrap();
    let names: Vec<String> = files(&output).into_keys().collect();
    assert_eq!(names.len(), 42);
    assert_eq!(names[..2], ["data-00000-of-00040.arrow", "data-00001-of-00040.arrow"]);
    assert_eq!(names[40..], ["dataset_info.json", "state.json"]);
    let expected: Vec<i64> = blocks().into_iter().flatten().map(|number| number * number).collect();
    assert_eq!(shards(&output), expected);
}

#[test]
fn finished_hugging_face_folder_is_not_overwritten_unasked() {
    let folder = tempdir().unwrap();
    let output = folder.path().join("tokens");
    go(Output::hugging_face(&output), blocks(), threads(2)).unwrap();
    let message = go(Output::hugging_face(&output), blocks(), threads(2)).unwrap_err().to_string();
    let expected = "dataset_info.json: exists already; pass --overwrite to replace it, or choose another name";
    assert!(message.ends_with(expected), "{message}");
    let overwrite = Options { overwrite: true, ..threads(2) };
    go(Output::hugging_face(&output), vec![vec![3], vec![4]], overwrite).unwrap();
    assert_eq!(shards(&output), [9, 16]);
    assert_eq!(files(&output).len(), 4);
}

#[test]
fn foreign_file_in_a_hugging_face_folder_is_named() {
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let message = go(Output::hugging_face(folder.path()), blocks(), threads(1)).unwrap_err().to_string();
    assert!(
        message.ends_with("holds `thesis.txt`, which ferrome did not write; choose an empty or new folder for -o"),
        "{message}"
    );
}

const OUTPUT: &str = "FERROME_TEST_STREAM";

fn slow(output: &Path) -> Result<Summary> {
    let conversion = Squares { delay: Duration::from_millis(4) };
    let options = Options { quiet: true, interrupt: Interrupt::default(), ..threads(2) };
    let output = Output::hugging_face(output);
    let job = Stream { conversion: &conversion, options, description: RunDescription::new(), output, totals: None };
    stream(job, blocks().into_iter().map(Ok))
}

fn finished(output: &Path) -> bool {
    output.join("state.json").exists() && !output.join("_run").exists()
}

/// Not a test of its own: what the killed processes do.
#[test]
fn child() {
    if let Some(output) = std::env::var_os(OUTPUT) {
        slow(Path::new(&output)).unwrap();
    }
}

#[test]
fn run_killed_ten_times_equals_an_undisturbed_one() {
    let folder = tempdir().unwrap();
    let (whole, output) = (folder.path().join("whole"), folder.path().join("out"));
    slow(&whole).unwrap();
    let mut kills = 0;
    for patience in (0..).map(|n| Duration::from_millis(8 + (n * 13) % 41)) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child"])
            .env(OUTPUT, &output)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(patience);
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if finished(&output) {
            assert_eq!(files(&output), files(&whole));
            fs_err::remove_dir_all(&output).unwrap();
        }
        if kills >= 10 {
            break;
        }
    }
    if !finished(&output) {
        slow(&output).unwrap();
    }
    assert_eq!(files(&output), files(&whole));
}
