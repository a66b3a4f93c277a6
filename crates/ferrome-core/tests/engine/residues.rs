//! A model with one half-precision vector for each letter: the most nested table that a room writes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float16Array, ListArray, PrimitiveArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float16Type, Schema, SchemaRef};
use ferrome_core::Result;
use ferrome_core::engine::{Failure, Job, Rejection, Task, Worker, WorkerFactory, run};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use half::f16;
use tempfile::tempdir;

use crate::dummy::{Dummy, Item, Record, files, options, record, sequences, table};

struct Residues(Dummy);

fn vector() -> (Arc<Field>, Arc<Field>) {
    let number = Arc::new(Field::new("item", DataType::Float16, false));
    let vector = Arc::new(Field::new("item", DataType::FixedSizeList(number.clone(), 2), false));
    (number, vector)
}

impl Task for Residues {
    type Record = Record;
    type Item = Item;

    fn name<'r>(&self, record: &'r Record) -> &'r str {
        self.0.name(record)
    }

    fn tokenize(&self, record: &Record) -> Result<Item, Rejection> {
        self.0.tokenize(record)
    }

    fn tokens(&self, item: &Item) -> usize {
        self.0.tokens(item)
    }

    fn identity(&self, item: &Item) -> u128 {
        self.0.identity(item)
    }

    fn describe(&self, records: &[&Record]) -> Result<RecordBatch> {
        self.0.describe(records)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("residues", DataType::List(vector().1), true)]))
    }
}

struct Model;

impl Worker for Model {
    type Item = Item;

    fn run(&mut self, batch: &[&Item]) -> Result<RecordBatch, Failure> {
        let letters = batch.iter().flat_map(|item| &item.letters);
        let values = letters.flat_map(|&letter| [f16::from_f32(f32::from(letter)), f16::from_f32(-1.0)]);
        let (number, vector) = vector();
        let values = FixedSizeListArray::new(number, 2, Arc::new(Float16Array::from_iter_values(values)), None);
        let offsets = OffsetBuffer::from_lengths(batch.iter().map(|item| item.letters.len()));
        let column: ArrayRef = Arc::new(ListArray::new(vector, offsets, Arc::new(values), None));
        Ok(RecordBatch::try_from_iter([("residues", column)]).unwrap())
    }
}

fn embed(rows: &[(String, String)], output: &Path) {
    let task = Residues(Dummy::default());
    let job = Job {
        task: &task,
        options: options(),
        description: RunDescription::new(),
        output: Output::parse(output).unwrap(),
        totals: None,
    };
    let records = rows.iter().map(|row| Ok(record(&task.0, row)));
    let worker: WorkerFactory<Item> = Box::new(|| Ok(Box::new(Model)));
    run(job, records, vec![worker]).unwrap();
}

#[test]
fn vectors_of_residues_come_back_in_order() {
    let folder = tempdir().unwrap();
    let mut rows = sequences(150);
    rows[40].1 = "J".to_owned();
    rows[149].1 = rows[2].1.clone();
    let output = folder.path().join("out.parquet");
    embed(&rows, &output);
    let table = table(&output);
    let residues = table.column(2).as_list::<i32>();
    for (row, (name, sequence)) in rows.iter().enumerate() {
        assert_eq!(residues.is_null(row), row == 40, "{name}");
        if row != 40 {
            let vectors = residues.value(row);
            let numbers: &PrimitiveArray<Float16Type> = vectors.as_fixed_size_list().values().as_primitive();
            let letters: Vec<f32> = numbers.values().iter().step_by(2).map(|number| number.to_f32()).collect();
            assert_eq!(letters, sequence.bytes().map(f32::from).collect::<Vec<_>>(), "{name}");
        }
    }
    embed(&rows, &folder.path().join("again.parquet"));
    assert_eq!(files(&output), files(&folder.path().join("again.parquet")));
}
