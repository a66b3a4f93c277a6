use std::num::NonZeroUsize;

use arrow::array::{
    ArrayRef, DictionaryArray, Float16Array, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array,
    LargeStringArray, NullArray, RecordBatch, StringArray, UInt8Array,
};
use arrow::datatypes::DataType;

use super::*;
use crate::cells::{Cells, Values};

fn names(prefix: &str, count: usize) -> Table {
    let ids: ArrayRef = Arc::new((0..count).map(|i| Some(format!("{prefix}{i}"))).collect::<StringArray>());
    Table::new(&RecordBatch::try_from_iter([("index", ids)]).unwrap()).unwrap()
}

fn data(cells: usize, layers: Vec<(&str, Matrix)>) -> Data {
    let layer = |(name, matrix): (&str, Matrix)| {
        let genes = Arc::new(names("g", matrix.shape().map_or(0, |(_, genes)| genes as usize)));
        Layer { name: name.into(), genes, matrix }
    };
    let counts = Counts::Layers(layers.into_iter().map(layer).collect());
    Data { name: "AnnData".into(), cells: names("c", cells), counts }
}

fn ints(numbers: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(numbers.to_vec()))
}

fn floats(numbers: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from(numbers.to_vec()))
}

fn sparse(starts: &[i32], genes: &[i32], values: &[f32], columns: usize) -> Matrix {
    Matrix::sparse(ints(starts), ints(genes), floats(values), columns).unwrap()
}

fn all(data: &Data, options: &ReadOptions, nonzeros: usize) -> Vec<Cells> {
    let mut reader = data.open(options).unwrap();
    let mut blocks = Vec::new();
    while let Some(cells) = reader.next_cells(nonzeros).unwrap() {
        cells.check(reader.header().genes.len()).unwrap();
        blocks.push(cells);
    }
    blocks
}

fn refusal(data: &Data, options: &ReadOptions) -> String {
    match data.open(options).map(|mut reader| reader.next_cells(10)) {
        Err(error) | Ok(Err(error)) => error.to_string(),
        Ok(Ok(_)) => "was read".into(),
    }
}

#[test]
fn sparse_and_dense_give_the_same_cells() {
    let csr = data(3, vec![("X", sparse(&[0, 2, 2, 4], &[2, 0, 1, 1], &[1.0, 3.0, 2.0, 5.0], 3))]);
    let dense = Matrix::dense(floats(&[3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 7.0, 0.0]), 3).unwrap();
    let dense = data(3, vec![("X", dense)]);
    for (data, threads) in [(&csr, None), (&dense, NonZeroUsize::new(2))] {
        let options = ReadOptions { threads, ..ReadOptions::default() };
        let blocks = all(data, &options, 2);
        let rows = |cells: &Cells| (cells.first, cells.starts.clone(), cells.genes.clone(), cells.values.clone());
        let expected = [
            (0, vec![0, 2, 2], vec![0, 2], Values::Counts(vec![3, 1])),
            (2, vec![0, 1], vec![1], Values::Counts(vec![7])),
        ];
        assert_eq!(blocks.iter().map(rows).collect::<Vec<_>>(), expected);
        assert_eq!(blocks[1].ids, StringArray::from(vec!["c2"]));
    }
}

#[test]
fn every_kind_of_number_is_read_from_within_its_array() {
    let arrays: [ArrayRef; 4] = [
        Arc::new(Int8Array::from(vec![9, 4, 5])),
        Arc::new(UInt8Array::from(vec![9, 4, 5])),
        Arc::new(Int64Array::from(vec![9, 4, 5])),
        Arc::new(Float64Array::from(vec![9.0, 4.0, 5.0])),
    ];
    for values in arrays {
        let matrix = Matrix::sparse(ints(&[7, 0, 2]).slice(1, 2), ints(&[0, 1]), values.slice(1, 2), 2).unwrap();
        let cells = &all(&data(1, vec![("X", matrix)]), &ReadOptions::default(), 9)[0];
        assert_eq!(cells.values, Values::Counts(vec![4, 5]));
    }
}

#[test]
fn first_matrix_with_counts_is_taken() {
    let counts = || sparse(&[0, 1], &[0], &[2.0], 1);
    let data = data(1, vec![("X", sparse(&[0, 1], &[0], &[1.5], 1)), ("layers/counts", counts())]);
    assert_eq!(data.open(&ReadOptions::default()).unwrap().header().layer, "layers/counts");
}

#[test]
fn values_that_are_no_counts_are_refused_unless_allowed() {
    let data = data(1, vec![("X", sparse(&[0, 1], &[0], &[1.5], 1))]);
    let refused = refusal(&data, &ReadOptions::default());
    assert_eq!(refused, "AnnData: X holds 1.5, not counts (--allow-normalized takes such values as they are)");
    let allowed = ReadOptions { allow_floats: true, ..ReadOptions::default() };
    assert_eq!(all(&data, &allowed, 9)[0].values, Values::Floats(vec![1.5]));
}

#[test]
fn cell_with_a_negative_count_keeps_its_place() {
    let data = data(2, vec![("X", sparse(&[0, 1, 2], &[0, 0], &[-1.0, 4.0], 1))]);
    let cells = &all(&data, &ReadOptions::default(), 9)[0];
    assert_eq!(cells.rejected, [(0, "negative count -1 for gene g0".to_owned())]);
    assert_eq!(cells.values, Values::Counts(vec![4]));
}

#[test]
fn arrays_that_do_not_fit_are_told() {
    let half: ArrayRef = Arc::new(Float16Array::new_null(0));
    let told = Matrix::sparse(ints(&[0]), ints(&[]), half, 1).unwrap_err();
    assert_eq!(told, "data: expected int8 to int64, uint8 to uint64, float32 or float64, found Float16");
    let told = Matrix::sparse(ints(&[0, 1]), ints(&[0]), floats(&[]), 1).unwrap_err();
    assert_eq!(told, "indices: has shape [1], but data has [0]");
    assert_eq!(Matrix::dense(floats(&[1.0; 5]), 2).unwrap_err(), "has 5 numbers, expected rows of 2");
    for (starts, what) in [
        (&[1, 1][..], "indptr: does not begin with 0"),
        (&[0, -1], "indptr: holds a negative number or a fraction"),
        (&[0, 3], "indptr: points beyond the 1 entries"),
    ] {
        let told = refusal(&data(1, vec![("X", sparse(starts, &[0], &[1.0], 1))]), &ReadOptions::default());
        assert_eq!(told, format!("AnnData: X: {what}"));
    }
    let told = refusal(&data(1, vec![("X", sparse(&[0, 1], &[4], &[1.0], 1))]), &ReadOptions::default());
    assert_eq!(told, "AnnData: X: cells 0 to 0: an entry has a gene index beyond the 1 genes");
    let told = refusal(&data(2, vec![("X", sparse(&[0, 1], &[0], &[1.0], 1))]), &ReadOptions::default());
    assert_eq!(told, "AnnData: X: has 1 cells and 1 genes, but obs has 2 rows and var has 1");
}

#[test]
fn columns_are_those_that_a_file_would_give() {
    let keys = Int8Array::from(vec![Some(1), None]);
    let categories: ArrayRef = Arc::new(Int64Array::from(vec![10, 20]));
    let columns: [(&str, ArrayRef); 5] = [
        ("index", Arc::new(LargeStringArray::from(vec!["a", "b"]))),
        ("batch", Arc::new(DictionaryArray::new(keys, categories))),
        ("n", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("note", Arc::new(LargeStringArray::from(vec!["x", "y"]))),
        ("nothing", Arc::new(NullArray::new(2))),
    ];
    let table = Table::new(&RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap());
    let schema = table.unwrap().schema();
    let kinds: Vec<_> = schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
    let category = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
    assert_eq!(kinds, [("batch", &category), ("n", &DataType::Int64), ("note", &DataType::Utf8)]);
    assert_eq!(schema.field(0).metadata()["categories"], "Int64");
    assert_eq!(schema.field(1).metadata()["mask"], "true");
    assert_eq!(schema.metadata()["skipped"], "nothing");
}

#[test]
fn description_tells_other_cells_apart() {
    let one = |value| data(1, vec![("X", sparse(&[0, 1], &[0], &[value], 1))]).describe();
    assert_eq!(one(1.0), one(1.0));
    assert_ne!(one(1.0), one(2.0));
    assert!(one(1.0).starts_with("1 cells in memory, xxh3 "), "{}", one(1.0));
}
