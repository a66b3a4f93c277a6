use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int16Type, Int32Type, Int64Type, Schema};
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::cells::{Cells, Genes, ValueKind, Values};
use crate::read::Header;
use crate::tokenize::Style;
use crate::tokenize::geneformer::{Geneformer, Options};
use crate::tokenize::totals::Totals;
use crate::vocabulary::{Gene, Parts};

/// Twelve cells over the genes `A`, `B` and `X`; `X` is in no vocabulary. Cell 2 has only `X`, cell 5 was rejected, cell 7
/// has no total, and every third cell does not pass.
struct Memory {
    header: Header,
    next: usize,
}

const CELLS: usize = 12;

fn obs(rows: std::ops::Range<usize>) -> RecordBatch {
    let totals: Float64Array = rows.clone().map(|cell| if cell == 7 { f64::NAN } else { 10.0 + cell as f64 }).collect();
    let kinds: DictionaryArray<Int32Type> =
        rows.clone().map(|cell| (cell != 4).then_some(if cell % 2 == 0 { "T" } else { "B" })).collect();
    let pass: Int32Array = rows.map(|cell| i32::from(cell % 3 != 2)).collect();
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("n_counts", Arc::new(totals), true),
        ("cell_type", Arc::new(kinds), true),
        ("filter_pass", Arc::new(pass), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn memory() -> Memory {
    let genes = Genes::from_ids(StringArray::from(vec!["A", "B", "X"]));
    let (cells, layer) = (Some(CELLS as u64), "X".to_owned());
    let header = Header {
        genes,
        cells,
        nonzeros: None,
        obs: obs(0..0).schema(),
        layer,
        kind: ValueKind::Counts,
        format: "test",
    };
    Memory { header, next: 0 }
}

impl CellReader for Memory {
    fn header(&self) -> &Header {
        &self.header
    }

    /// As many cells as entries are wanted, which is at least one.
    fn next_cells(&mut self, nonzeros: usize) -> Result<Option<Cells>> {
        let rows = self.next..CELLS.min(self.next + nonzeros);
        self.next = rows.end;
        if rows.is_empty() {
            return Ok(None);
        }
        let (mut starts, mut genes, mut values) = (vec![0], Vec::new(), Vec::new());
        for cell in rows.clone() {
            let entries: &[(u32, i32)] = match cell {
                2 => &[(2, 4)],
                5 => &[],
                cell if cell % 2 == 0 => &[(0, 3), (1, 2), (2, 1)],
                _ => &[(0, 2), (1, 5)],
            };
            genes.extend(entries.iter().map(|entry| entry.0));
            values.extend(entries.iter().map(|entry| entry.1));
            starts.push(genes.len());
        }
        let rejected = rows.contains(&5).then(|| (5 - rows.start, "gene `B`: a negative count, -1".to_owned()));
        Ok(Some(Cells {
            first: rows.start as u64,
            ids: rows.clone().map(|cell| Some(format!("c{cell}"))).collect(),
            obs: obs(rows),
            starts,
            genes,
            values: Values::Counts(values),
            rejected: rejected.into_iter().collect(),
            rounded: 0,
        }))
    }
}

fn vocabulary() -> Vocabulary {
    let gene = |id: &str, token| Gene { id: id.into(), token, median: Some(1.0) };
    let genes = vec![gene("A", 2), gene("B", 3)];
    let specials = vec![("<pad>".to_owned(), 0), ("<mask>".to_owned(), 1)];
    let (symbols, former_ids, sources) = (vec![], vec![], vec![]);
    Vocabulary::new(Parts { style: Style::GeneformerV1, specials, genes, symbols, former_ids, sources }).unwrap()
}

/// Tokens into `output`, and what was done.
fn run(output: Output, change: impl FnOnce(&mut Job<'_>)) -> Result<Tokenized> {
    let (reader, vocabulary) = (memory(), vocabulary());
    let schema = Schema::clone(&reader.header.obs);
    let matching = Matching::new(&reader.header.genes, &vocabulary, &GeneOptions::default())?;
    let options = Options { totals: Totals::of(&schema), keep_uncropped: false, keep_counts: false };
    let tokenizer = Geneformer::new(&vocabulary, &matching, options)?;
    let engine = engine::Options { quiet: true, threads: 2, ..engine::Options::default() };
    let obs = ObsColumns::new(&["cell_type=type"], &schema)?;
    let mut job = Job {
        reader: Box::new(reader),
        matching: &matching,
        tokenizer: &tokenizer,
        obs,
        filter: None,
        block: 5,
        engine,
    };
    change(&mut job);
    tokenize(job, output, RunDescription::new().with("input", "memory"))
}

fn parquet(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs_err::File::open(path).unwrap().into_file()).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn tokens(table: &RecordBatch) -> Vec<Option<Vec<i32>>> {
    let lists = table.column_by_name("input_ids").unwrap().as_list::<i32>();
    lists
        .iter()
        .map(|row| row.map(|row| row.as_primitive::<Int16Type>().iter().flatten().map(i32::from).collect()))
        .collect()
}

#[test]
fn every_cell_keeps_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let done = run(Output::parse(&path).unwrap(), |_| ()).unwrap();
    let table = parquet(&path);
    let names: Vec<_> = table.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["input_ids", "length", "cell_id", "type", "error"]);
    let (even, odd) = (Some(vec![2, 3]), Some(vec![3, 2]));
    let expected: Vec<_> = (0..CELLS)
        .map(|cell| match cell {
            2 => Some(vec![]),
            5 | 7 => None,
            cell if cell % 2 == 0 => even.clone(),
            _ => odd.clone(),
        })
        .collect();
    assert_eq!(tokens(&table), expected);
    let lengths = table.column_by_name("length").unwrap().as_primitive::<Int64Type>();
    assert_eq!((lengths.value(0), lengths.value(2), lengths.is_null(5), lengths.is_null(7)), (2, 0, true, true));
    let errors = table.column_by_name("error").unwrap().as_string::<i32>();
    assert_eq!(
        errors.iter().flatten().collect::<Vec<_>>(),
        ["gene `B`: a negative count, -1", "n_counts is NaN, expected a positive number"]
    );
    let kinds = table.column_by_name("type").unwrap().as_string::<i32>();
    assert_eq!((kinds.value(0), kinds.value(1), kinds.is_null(4)), ("T", "B", true));
    assert_eq!((done.summary.rows, done.without_genes, done.filtered), (12, 1, 0));
}

#[test]
fn rows_do_not_depend_on_the_size_of_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let table = |block| {
        let path = folder.path().join(format!("{block}.parquet"));
        run(Output::parse(&path).unwrap(), |job| job.block = block).unwrap();
        parquet(&path)
    };
    assert_eq!(table(1), table(100));
}

#[test]
fn filter_takes_the_cells_that_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let done = run(Output::parse(&path).unwrap(), |job| job.filter = Some(FILTER_PASS.to_owned())).unwrap();
    let table = parquet(&path);
    let ids = table.column_by_name("cell_id").unwrap().as_string::<i32>();
    assert_eq!(ids.iter().flatten().collect::<Vec<_>>(), ["c0", "c1", "c3", "c4", "c6", "c7", "c9", "c10"]);
    assert_eq!(tokens(&table)[5], None);
    assert_eq!((done.filtered, done.without_genes), (4, 0));
}

#[test]
fn hugging_face_folder_holds_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path().join("tokens"), folder.path().join("t.parquet"));
    run(Output::hugging_face(&path), |_| ()).unwrap();
    run(Output::parse(&file).unwrap(), |_| ()).unwrap();
    let mut batches = Vec::new();
    for part in 0..3 {
        let shard = fs_err::File::open(path.join(format!("data-{part:05}-of-00003.arrow"))).unwrap();
        batches.extend(StreamReader::try_new(shard, None).unwrap().map(|batch| batch.unwrap()));
    }
    let table = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(table.columns(), parquet(&file).columns());
}

#[test]
fn obs_columns_that_are_missing_or_taken() {
    let schema = memory().header.obs;
    let missing = ObsColumns::new(&["celltype"], &schema).unwrap_err().to_string();
    assert!(missing.starts_with("there is no obs column `celltype`; nearest: `cell_type`"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let refused = |asked: &[&str]| {
        let obs = ObsColumns::new(asked, &schema).unwrap();
        run(Output::hugging_face(folder.path().join("t")), |job| job.obs = obs).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&["n_counts=length"]),
        "obs column `n_counts` cannot be called `length` in the output, which has a column of that name; use --obs \
         n_counts=OTHER"
    );
    assert!(refused(&["n_counts", "cell_type=n_counts"]).starts_with("obs column `cell_type` cannot be called"));
}

#[test]
fn too_few_genes_stop_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let genes = Genes::from_ids(StringArray::from(vec!["A", "Y", "X"]));
    let options = GeneOptions { min_matched: 0.9, ..GeneOptions::default() };
    let matching = Matching::new(&genes, &vocabulary(), &options).unwrap();
    let stopped = run(Output::hugging_face(&path), |job| job.matching = Box::leak(Box::new(matching))).unwrap_err();
    assert_eq!(
        stopped.to_string(),
        "only 1 of 3 genes are in the vocabulary of 2 (50.0 %, expected 90.0 % or more: --min-matched), looked up by \
         `ids`; most frequent unmatched: `Y`, `X`; see --genes, --gene-column and --gene-map"
    );
    assert!(!path.exists());
}
