//! Parquet in the layouts that people have.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, Float32Builder, Float64Array, Int32Array, Int64Array, Int64Builder, ListBuilder,
    RecordBatch, StringArray,
};
use ferrome_cell::cells::{Cells, ValueKind, Values};
use ferrome_cell::read::{CellReader, ReadOptions, open};
use parquet::arrow::ArrowWriter;
use tempfile::{TempDir, tempdir};

use crate::memory::all;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
        let path = self.0.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        let table = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(fs_err::File::create(&path).unwrap(), table.schema(), None).unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
        path
    }
}

fn read(path: &Path) -> (Box<dyn CellReader>, Cells) {
    let mut reader = open(path, &ReadOptions::default()).unwrap();
    let cells = all(reader.as_mut(), 1 << 20);
    (reader, cells)
}

fn refusal(path: &Path) -> String {
    open(path, &ReadOptions::default()).err().unwrap().to_string()
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn lists(rows: &[&[(i64, f32)]]) -> (ArrayRef, ArrayRef) {
    let (mut genes, mut values) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Float32Builder::new()));
    for row in rows {
        genes.append_value(row.iter().map(|entry| Some(entry.0)));
        values.append_value(row.iter().map(|entry| Some(entry.1)));
    }
    (Arc::new(genes.finish()), Arc::new(values.finish()))
}

const TAHOE: [&[(i64, f32)]; 3] = [&[(1, -2.0), (7, 2.0), (3, 1.0), (7, 3.0)], &[(1, -2.0)], &[(1, -2.0), (5, 4.0005)]];

fn tahoe(place: &Place, rows: &[&[(i64, f32)]]) -> PathBuf {
    let (genes, values) = lists(rows);
    let ids: Vec<String> = (0..rows.len()).map(|row| format!("b{row}")).collect();
    let drugs: Vec<&str> = (0..rows.len()).map(|row| ["DMSO", "drug"][row % 2]).collect();
    place.write(
        "data/train-00000-of-00001.parquet",
        vec![
            ("genes", genes),
            ("expressions", values),
            ("drug", texts(&drugs)),
            ("BARCODE_SUB_LIB_ID", Arc::new(StringArray::from(ids))),
        ],
    )
}

fn side_table(place: &Place) -> PathBuf {
    place.write(
        "metadata/gene_metadata.parquet",
        vec![
            ("gene_symbol", texts(&["C", "A", "B"])),
            ("ensembl_id", texts(&["ENSG3", "ENSG1", "ENSG2"])),
            ("token_id", Arc::new(Int64Array::from(vec![7, 3, 5]))),
        ],
    )
}

#[test]
fn tahoe_rows_lose_the_marker_and_get_names_from_the_table_beside_them() {
    let place = Place::new();
    side_table(&place);
    let (reader, cells) = read(&tahoe(&place, &TAHOE));
    let header = reader.header();
    assert_eq!(header.format, "parquet (one row per cell, genes named by gene_metadata)");
    assert_eq!(header.genes.ids, StringArray::from(vec!["ENSG1", "ENSG2", "ENSG3"]));
    assert_eq!(header.genes.names, Some(StringArray::from(vec!["A", "B", "C"])));
    assert_eq!((header.cells, header.kind, header.layer.as_str()), (Some(3), ValueKind::Counts, "expressions"));
    assert_eq!(cells.ids, StringArray::from(vec!["b0", "b1", "b2"]));
    assert_eq!((cells.starts, cells.genes), (vec![0, 2, 2, 3], vec![0, 2, 1]));
    assert_eq!((cells.values, cells.rounded), (Values::Counts(vec![1, 5, 4]), 1));
    assert_eq!(cells.obs.schema().fields().len(), 1);
    assert_eq!(cells.obs.column_by_name("drug").unwrap().as_string::<i32>().value(1), "drug");
}

#[test]
fn tahoe_rows_without_a_table_have_token_numbers_for_ids_and_say_so() {
    let place = Place::new();
    let (reader, cells) = read(&tahoe(&place, &TAHOE));
    assert_eq!(
        reader.header().format,
        "parquet (one row per cell; genes are token numbers: there is no gene_metadata.parquet beside it, and no --gene-map)"
    );
    assert_eq!(
        reader.header().genes.ids.iter().flatten().collect::<Vec<_>>(),
        ["0", "1", "2", "3", "4", "5", "6", "7"]
    );
    assert_eq!(cells.genes, [3, 7, 5]);
}

#[test]
fn tahoe_row_with_a_token_that_is_in_no_table_is_rejected() {
    let place = Place::new();
    let map = side_table(&place);
    let path = tahoe(&place, &[&[(1, -2.0), (9, 1.0)], &[(3, -1.0)], &[(3, f32::NAN)], &[(3, 2.0)]]);
    let options = ReadOptions { gene_map: Some(map.clone()), ..ReadOptions::default() };
    let cells = all(open(&path, &options).unwrap().as_mut(), 100);
    let reasons: Vec<_> = cells.rejected.iter().map(|(row, reason)| (*row, reason.as_str())).collect();
    let unknown = format!("token 9 is not in {}", map.display());
    assert_eq!(reasons, [(0, unknown.as_str()), (1, "negative count -1 for gene ENSG1"), (2, "NaN for gene ENSG1"),]);
    assert_eq!((cells.starts, cells.genes), (vec![0, 0, 0, 0, 1], vec![0]));
}

#[test]
fn folder_of_files_is_one_table() {
    let place = Place::new();
    side_table(&place);
    let first = tahoe(&place, &TAHOE);
    fs_err::copy(&first, first.with_file_name("train-00001-of-00002.parquet")).unwrap();
    let (reader, cells) = read(first.parent().unwrap());
    assert_eq!((reader.header().cells, cells.len(), cells.genes.len()), (Some(6), 6, 6));
}

#[test]
fn normalised_values_are_refused_unless_asked_for() {
    let place = Place::new();
    side_table(&place);
    let path = tahoe(&place, &[&[(1, -2.0), (5, 1.5)], &[(3, -0.25)]]);
    assert_eq!(
        refusal(&path),
        format!(
            "{}: `expressions` holds no counts (cell `b0`, gene `ENSG2`: 1.5), the values were normalised; give the file with \
             the counts, or take them as they are with --allow-normalized",
            path.display()
        )
    );
    let options = ReadOptions { allow_floats: true, ..ReadOptions::default() };
    let mut reader = open(&path, &options).unwrap();
    assert_eq!(reader.header().kind, ValueKind::Floats);
    assert_eq!(all(reader.as_mut(), 100).values, Values::Floats(vec![1.5, -0.25]));
}

#[test]
fn tokens_are_refused() {
    let place = Place::new();
    let (tokens, _) = lists(&[&[(2, 0.0), (17, 0.0)]]);
    let path =
        place.write("genecorpus.parquet", vec![("input_ids", tokens), ("length", Arc::new(Int64Array::from(vec![2])))]);
    assert_eq!(
        refusal(&path),
        format!(
            "{}: has a column `input_ids`: its cells are tokens already, and counts cannot be made from tokens; start from \
             the counts that it was made from",
            path.display()
        )
    );
}

#[test]
fn wide_table_has_a_gene_in_each_column_of_numbers() {
    let place = Place::new();
    let path = place.write(
        "wide.parquet",
        vec![
            ("A", Arc::new(Float32Array::from(vec![1.0, 0.0, 3.0]))),
            ("B", Arc::new(Int64Array::from(vec![0, 2, 4]))),
            ("C", Arc::new(Float64Array::from(vec![Some(0.0), Some(5.0), None]))),
            ("n_counts", Arc::new(Float64Array::from(vec![1.5, 7.5, 7.5]))),
            ("__index_level_0__", texts(&["x", "y", "z"])),
        ],
    );
    let (reader, cells) = read(&path);
    assert_eq!(reader.header().format, "parquet (wide: one column per gene)");
    assert_eq!(reader.header().genes.ids, StringArray::from(vec!["A", "B", "C"]));
    assert_eq!(cells.ids, StringArray::from(vec!["x", "y", "z"]));
    assert_eq!(cells.obs.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["n_counts"]);
    assert_eq!(
        (cells.starts, cells.genes, cells.values),
        (vec![0, 1, 3, 3], vec![0, 1, 2], Values::Counts(vec![1, 2, 5]))
    );
    assert_eq!(cells.rejected, [(2, "gene `C` has no value".to_owned())]);
}

#[test]
fn wide_table_without_ids_numbers_its_cells_over_all_files() {
    let place = Place::new();
    let columns = || -> Vec<(&str, ArrayRef)> {
        vec![("A", Arc::new(Int32Array::from(vec![1, 2]))), ("B", Arc::new(Int32Array::from(vec![0, 0])))]
    };
    place.write("parts/a.parquet", columns());
    let last = place.write("parts/b.parquet", columns());
    let (_, cells) = read(last.parent().unwrap());
    assert_eq!(cells.ids, StringArray::from(vec!["0", "1", "2", "3"]));
}

fn long(place: &Place, cells: &[&str], genes: &[&str], counts: &[i64]) -> PathBuf {
    let counts: ArrayRef = Arc::new(Int64Array::from(counts.to_vec()));
    place.write("long.parquet", vec![("Barcode", texts(cells)), ("gene_symbol", texts(genes)), ("UMI_count", counts)])
}

#[test]
fn long_table_with_adjacent_rows_streams() {
    let place = Place::new();
    let (reader, cells) = read(&long(&place, &["y", "y", "x", "x", "x"], &["B", "A", "B", "C", "B"], &[1, 2, 3, 4, 5]));
    assert_eq!(reader.header().format, "parquet (long: one row per cell and gene)");
    assert_eq!((reader.header().cells, reader.header().layer.as_str()), (Some(2), "UMI_count"));
    assert_eq!(reader.header().genes.ids, StringArray::from(vec!["B", "A", "C"]));
    assert_eq!(cells.ids, StringArray::from(vec!["y", "x"]));
    assert_eq!(
        (cells.starts, cells.genes, cells.values),
        (vec![0, 2, 4], vec![0, 1, 0, 2], Values::Counts(vec![1, 2, 8, 4]))
    );
}

#[test]
fn long_table_with_scattered_rows_gives_the_same_cells_as_when_they_are_adjacent() {
    let place = Place::new();
    let entries: Vec<(usize, usize)> =
        (0..40).flat_map(|cell| (0..30).map(move |gene| (cell, gene * (cell + 1) % 37))).collect();
    let columns = |entries: &[(usize, usize)]| {
        let cells: Vec<String> = entries.iter().map(|(cell, _)| format!("cell{cell}")).collect();
        let genes: Vec<String> = entries.iter().map(|(_, gene)| format!("gene{gene}")).collect();
        let counts: Vec<i64> = entries.iter().map(|(cell, gene)| (cell + gene) as i64).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let genes: Vec<&str> = genes.iter().map(String::as_str).collect();
        long(&place, &cells, &genes, &counts)
    };
    let mut scattered = entries.clone();
    // Each cell keeps its first row's place, so that the order of cells is the same.
    scattered.sort_by_key(|&(cell, gene)| {
        (
            entries.iter().position(|entry| entry.0 == cell) != entries.iter().position(|entry| *entry == (cell, gene)),
            gene,
        )
    });
    let by_name = |path: PathBuf| {
        let (reader, cells) = read(&path);
        let Values::Counts(counts) = cells.values else { unreachable!() };
        let ids = &reader.header().genes.ids;
        let mut rows: Vec<Vec<(String, i32)>> = cells
            .starts
            .windows(2)
            .map(|row| {
                (row[0]..row[1]).map(|at| (ids.value(cells.genes[at] as usize).to_owned(), counts[at])).collect()
            })
            .collect();
        rows.iter_mut().for_each(|row| row.sort());
        (cells.ids, rows)
    };
    assert_eq!(by_name(columns(&scattered)), by_name(columns(&entries)));
}

#[test]
fn long_table_with_a_null_names_the_row() {
    let place = Place::new();
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let path = place
        .write("long.parquet", vec![("cell", texts(&["x", "x"])), ("gene", texts(&["A", "B"])), ("count", counts)]);
    assert_eq!(refusal(&path), format!("{}: row 2: `count` is null", path.display()));
    let genes: ArrayRef = Arc::new(StringArray::from(vec![None, Some("A")]));
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![1, 1]));
    let path = place.write("long.parquet", vec![("cell", texts(&["x", "x"])), ("gene", genes), ("count", counts)]);
    assert_eq!(refusal(&path), format!("{}: row 1: `gene` is null", path.display()));
}

#[test]
fn table_of_something_else_lists_what_it_holds() {
    let place = Place::new();
    let path =
        place.write("proteins.parquet", vec![("id", texts(&["P1"])), ("length", Arc::new(Int64Array::from(vec![9])))]);
    assert_eq!(
        refusal(&path),
        format!(
            "{}: holds no cells that ferrome knows: expected the lists `genes` and `expressions` (one row per cell), columns \
             such as `cell`, `gene` and `count` (one row per entry), or one column of numbers per gene; found `id` (Utf8), \
             `length` (Int64)",
            path.display()
        )
    );
}

#[test]
fn file_that_is_cut_short_is_named() {
    let place = Place::new();
    let path = tahoe(&place, &TAHOE);
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    assert_eq!(
        refusal(&path),
        format!(
            "{}: is no readable Parquet file (Parquet error: Invalid Parquet file. Corrupt footer)",
            path.display()
        )
    );
}

#[test]
fn side_table_without_its_columns_is_named() {
    let place = Place::new();
    let map = place.write("map.parquet", vec![("token", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let options = ReadOptions { gene_map: Some(map.clone()), ..ReadOptions::default() };
    assert_eq!(
        open(&tahoe(&place, &TAHOE), &options).err().unwrap().to_string(),
        format!("{}: is no table of tokens: it has no column `token_id`; found `token` (Int64)", map.display())
    );
}
