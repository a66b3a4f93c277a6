//! A task whose rows, model and troubles are known.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef};
use ferrome_core::Result;
use ferrome_core::batch::Layout;
use ferrome_core::engine::{
    BoxError, Failure, Job, Options, Rejection, Summary, Task, Totals, Worker, WorkerFactory, run,
};
use ferrome_core::fingerprint::identity;
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Counts the records that are in memory, and the most that ever were.
#[derive(Default)]
pub(crate) struct Live(AtomicUsize, AtomicUsize);

impl Live {
    fn enter(self: &Arc<Self>) -> Token {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.fetch_max(now, Ordering::SeqCst);
        Token(self.clone())
    }

    pub(crate) fn most(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

pub(crate) struct Token(Arc<Live>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) sequence: String,
    _live: Token,
}

pub(crate) struct Item {
    pub(crate) letters: Vec<u8>,
    _live: Token,
}

#[derive(Default)]
pub(crate) struct Dummy {
    pub(crate) live: Arc<Live>,
}

impl Task for Dummy {
    type Record = Record;
    type Item = Item;

    fn name<'r>(&self, record: &'r Record) -> &'r str {
        &record.name
    }

    fn tokenize(&self, record: &Record) -> Result<Item, Rejection> {
        let reject = |kind: &str, reason: String| Err(Rejection { kind: kind.to_owned(), reason });
        if record.sequence.is_empty() {
            return reject("no sequence", "has no sequence".to_owned());
        }
        match record.sequence.chars().find(|letter| *letter == 'J') {
            Some(letter) => reject("letter outside the alphabet", format!("`{letter}` is not a letter of the dummy")),
            None => Ok(Item { letters: record.sequence.clone().into_bytes(), _live: self.live.enter() }),
        }
    }

    fn tokens(&self, item: &Item) -> usize {
        item.letters.len()
    }

    fn identity(&self, item: &Item) -> u128 {
        identity(&item.letters)
    }

    fn describe(&self, records: &[&Record]) -> Result<RecordBatch> {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(records.iter().map(|record| &record.name)));
        let lengths: ArrayRef =
            Arc::new(UInt32Array::from_iter_values(records.iter().map(|record| record.sequence.len() as u32)));
        Ok(RecordBatch::try_from_iter([("id", ids), ("length", lengths)])?)
    }

    fn output_schema(&self) -> SchemaRef {
        let item = Arc::new(Field::new("item", DataType::Float32, false));
        Arc::new(Schema::new(vec![Field::new("embedding", DataType::FixedSizeList(item, 4), true)]))
    }

    fn layout(&self) -> Layout {
        Layout::Padded
    }
}

/// What the model makes of letters.
pub(crate) fn embed(letters: &[u8]) -> [f32; 4] {
    let sum: f32 = letters.iter().enumerate().map(|(n, &letter)| f32::from(letter) * (n as f32 + 1.0).sqrt()).sum();
    [letters.len() as f32, sum, f32::from(letters[0]), f32::from(letters[letters.len() - 1])]
}

/// The batches that the models were asked for, each as its items' letters.
pub(crate) type Calls = Arc<Mutex<Vec<Vec<Vec<u8>>>>>;

/// A model on a device that can be slow, small or broken.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) calls: Calls,
    pub(crate) delay: Duration,
    /// Tokens that the device has room for.
    pub(crate) room: Option<usize>,
    /// Letters at whose sight the device breaks.
    pub(crate) breaks_at: Option<Vec<u8>>,
    /// The device is not there.
    pub(crate) cannot_be_built: bool,
    /// Panics.
    pub(crate) panics: bool,
    /// Returns this many rows too few.
    pub(crate) short_by: usize,
}

impl Worker for Model {
    type Item = Item;

    fn run(&mut self, batch: &[&Item]) -> Result<RecordBatch, Failure> {
        std::thread::sleep(self.delay);
        assert!(!self.panics, "a defect in the model");
        let longest = batch.iter().map(|item| item.letters.len()).max().unwrap_or(0);
        if self.room.is_some_and(|room| longest * batch.len() > room) {
            return Err(Failure::OutOfMemory);
        }
        if batch.iter().any(|item| Some(&item.letters) == self.breaks_at.as_ref()) {
            return Err(Failure::Fatal("cuda:0: the device fell off the bus".into()));
        }
        self.calls.lock().unwrap().push(batch.iter().map(|item| item.letters.clone()).collect());
        let rows = &batch[..batch.len() - self.short_by];
        let values = Float32Array::from_iter_values(rows.iter().flat_map(|item| embed(&item.letters)));
        let DataType::FixedSizeList(item, width) = Dummy::default().output_schema().field(0).data_type().clone() else {
            panic!("not a vector");
        };
        let column: ArrayRef = Arc::new(FixedSizeListArray::new(item, width, Arc::new(values), None));
        Ok(RecordBatch::try_from_iter([("embedding", column)]).unwrap())
    }
}

impl Model {
    pub(crate) fn factory(&self) -> WorkerFactory<Item> {
        let model = self.clone();
        Box::new(move || {
            if model.cannot_be_built {
                return Err("cuda:1: no such device".into());
            }
            Ok(Box::new(model) as Box<dyn Worker<Item = Item>>)
        })
    }

    /// How many items the models computed.
    pub(crate) fn computed(&self) -> usize {
        self.calls.lock().unwrap().iter().map(Vec::len).sum()
    }
}

/// A few tokens a batch and a few rows a window, so that a small input makes several of each.
pub(crate) fn options() -> Options {
    Options {
        batch_tokens: 64,
        window_tokens: Some(512),
        window_rows: 40,
        threads: 2,
        quiet: true,
        ..Options::default()
    }
}

/// `count` sequences of 1 to 60 letters, all different.
pub(crate) fn sequences(count: usize) -> Vec<(String, String)> {
    let letters = b"ACDEFGHIKLMNPQRSTVWY";
    let sequence = |n: usize| {
        let length = n * 7919 % 60 + 1;
        let mut letters: String = (0..length).map(|k| letters[(n * 31 + k * k + k * n) % 20] as char).collect();
        letters.push_str(&format!("X{n}"));
        letters
    };
    (0..count).map(|n| (format!("sp|P{n:05}"), sequence(n))).collect()
}

/// A record of `task`.
pub(crate) fn record(task: &Dummy, (name, sequence): &(String, String)) -> Record {
    Record { name: name.clone(), sequence: sequence.clone(), _live: task.live.enter() }
}

/// A run of the dummy.
pub(crate) struct Run<'a> {
    pub(crate) rows: &'a [(String, String)],
    pub(crate) options: Options,
    pub(crate) models: Vec<Model>,
    pub(crate) description: RunDescription,
    pub(crate) totals: Option<Totals>,
    /// The reader fails after this many rows.
    pub(crate) unreadable_after: usize,
}

impl<'a> Run<'a> {
    pub(crate) fn new(rows: &'a [(String, String)], model: &Model) -> Self {
        let description = RunDescription::new().with("model", "dummy");
        Self {
            rows,
            options: options(),
            models: vec![model.clone()],
            description,
            totals: None,
            unreadable_after: usize::MAX,
        }
    }

    pub(crate) fn into(self, output: &Path) -> Result<Summary> {
        self.task_into(&Dummy::default(), output)
    }

    pub(crate) fn task_into(self, task: &Dummy, output: &Path) -> Result<Summary> {
        let records = self.rows.iter().enumerate().map(|(n, row)| {
            if n >= self.unreadable_after {
                return Err::<Record, BoxError>("proteins.fa.gz: the gzip stream ends early".into());
            }
            Ok(record(task, row))
        });
        let job = Job {
            task,
            options: self.options,
            description: self.description,
            output: Output::parse(output)?,
            totals: self.totals,
        };
        run(job, records, self.models.iter().map(Model::factory).collect())
    }
}

/// All rows of a Parquet file, or of a folder of parts.
pub(crate) fn table(path: &Path) -> RecordBatch {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
    }
    let mut batches = Vec::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let file = fs_err::File::open(file).unwrap().into_file();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(Default::default()));
            batches.push(RecordBatch::try_new(schema, batch.columns().to_vec()).unwrap());
        }
    }
    let schema = batches.first().expect("a table with rows").schema();
    concat_batches(&schema, &batches).unwrap()
}

/// Asserts that the table holds `rows` in order, each with what the model makes of it, or nulls and a reason.
pub(crate) fn assert_rows(table: &RecordBatch, rows: &[(String, String)]) {
    assert_eq!(table.num_rows(), rows.len());
    let names: Vec<&str> = table.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "length", "embedding", "error"]);
    let embeddings = table.column(2).as_fixed_size_list();
    let errors = table.column(3).as_string::<i32>();
    for (row, (name, sequence)) in rows.iter().enumerate() {
        assert_eq!(table.column(0).as_string::<i32>().value(row), name);
        assert_eq!(embeddings.is_null(row), errors.is_valid(row), "{name}");
        if embeddings.is_valid(row) {
            let found = embeddings.value(row).as_primitive::<Float32Type>().values().to_vec();
            assert_eq!(found, embed(sequence.as_bytes()), "{name}");
        }
    }
}

/// Every file under `path` (or the file itself), with its bytes.
pub(crate) fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    if path.is_file() {
        return vec![(String::new(), fs_err::read(path).unwrap())];
    }
    let mut files = Vec::new();
    for entry in fs_err::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        files.push((entry.file_name().unwrap().to_string_lossy().into_owned(), fs_err::read(&entry).unwrap()));
    }
    files.sort();
    files
}

/// The names in a folder, sorted.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
