//! What `convert` writes, and reading it back.

use ferrome_cell::read::CellReader;
use ferrome_cell::read::dataset::DatasetReader;
use ferrome_cell::task::convert::convert;
use ferrome_core::journal::RunDescription;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::tempdir;

use crate::memory::{Memory, all, assert_same, files, lengths, obs, options, write};

#[test]
fn dataset_reads_back_as_it_was() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    let done = write(1000, &path, &options(700)).unwrap();
    assert_eq!(done.summary.rows, 1000);
    assert_eq!(done.summary.rejected.iter().map(|rejected| rejected.count).sum::<u64>(), 24);
    let renamed: Vec<_> = done.renamed.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
    assert_eq!(renamed, [("n_counts", "n_counts_obs"), ("gene_id", "gene_id_var")]);

    let mut memory = Memory::new(1000);
    let mut reader = DatasetReader::open(&path).unwrap();
    let (expected, found) = (memory.header().clone(), reader.header().clone());
    assert_eq!(found.genes.ids, expected.genes.ids);
    assert_eq!(found.genes.names, expected.genes.names);
    assert_eq!(found.genes.columns, expected.genes.columns);
    assert_eq!(found.genes.columns.schema(), expected.genes.columns.schema());
    assert_eq!((found.cells, found.obs, found.kind), (Some(1000), expected.obs, expected.kind));
    assert_eq!(found.layer, "layers/counts");
    let expected = all(&mut memory, 1 << 20);
    assert_eq!(found.nonzeros, Some(expected.genes.len() as u64));
    assert_same(&all(&mut reader, 123), &expected);
    assert_eq!(expected.obs, obs(0..1000));
}

#[test]
fn blocks_end_where_the_budget_says_whatever_the_parts() {
    let folder = tempdir().unwrap();
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    write(300, &one, &options(1 << 20)).unwrap();
    write(300, &many, &options(90)).unwrap();
    assert!(files(&many).len() > 20);
    let blocks = |path| lengths(&mut DatasetReader::open(path).unwrap(), 95);
    assert_eq!(blocks(&one), blocks(&many));
    let mut reader = DatasetReader::open(&many).unwrap();
    while let Some(block) = reader.next_cells(95).unwrap() {
        assert!(block.genes.len() <= 95);
    }
    assert_eq!(lengths(&mut DatasetReader::open(&many).unwrap(), 1), vec![1; 300]);
}

#[test]
fn output_does_not_depend_on_threads() {
    let folder = tempdir().unwrap();
    let (one, three) = (folder.path().join("one"), folder.path().join("three"));
    let mut options = options(500);
    options.engine.threads = 1;
    write(500, &one, &options).unwrap();
    options.engine.threads = 3;
    write(500, &three, &options).unwrap();
    assert_eq!(files(&one), files(&three));
}

#[test]
fn matrix_without_cells_is_a_dataset() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    assert_eq!(write(0, &path, &options(500)).unwrap().summary.rows, 0);
    let mut reader = DatasetReader::open(&path).unwrap();
    assert_eq!((reader.header().cells, reader.header().genes.len()), (Some(0), 50));
    assert!(reader.next_cells(10).unwrap().is_none());
}

#[test]
fn columns_are_those_that_scripts_rely_on() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(1 << 20)).unwrap();
    let columns = |file: &str| -> Vec<String> {
        let file = fs_err::File::open(path.join(file)).unwrap().into_file();
        let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
        schema.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type())).collect()
    };
    assert_eq!(
        columns("cells/part-00000.parquet"),
        [
            "cell_id: Utf8",
            "gene_idx: List(non-null Int32, field: 'element')",
            "value: List(non-null Int32, field: 'element')",
            "n_counts: Float64",
            "donor: Utf8",
            "stage: Dictionary(Int32, Utf8)",
            "n_counts_obs: Float64",
            "age: Int64",
            "doublet: Boolean",
            "error: Utf8",
        ]
    );
    assert_eq!(
        columns("genes.parquet"),
        [
            "gene_idx: Int32",
            "gene_id: Utf8",
            "gene_id_full: Utf8",
            "gene_name: Utf8",
            "biotype: Dictionary(Int32, Utf8)",
            "gene_id_var: Int64",
        ]
    );
}

#[test]
fn column_of_names_is_stored_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    let mut memory = Memory::new(10);
    memory.name_column();
    let expected = memory.header().genes.clone();
    let done = convert(Box::new(memory), &path, &options(500), RunDescription::new()).unwrap();
    assert_eq!(done.renamed, [("n_counts".to_owned(), "n_counts_obs".to_owned())]);
    let found = DatasetReader::open(&path).unwrap().header().genes.clone();
    assert_eq!((found.names, found.columns), (expected.names, expected.columns));
}

#[test]
fn finished_dataset_is_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(500)).unwrap();
    let before = files(&path);
    assert!(write(100, &path, &options(500)).unwrap().summary.already_complete);
    assert_eq!(files(&path), before);
}
