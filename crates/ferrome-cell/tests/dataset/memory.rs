//! A matrix in memory that is read like a file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use ferrome_cell::cells::{Cells, Genes, ValueKind, Values};
use ferrome_cell::read::{CellReader, Header};
use ferrome_cell::task::convert::{ConvertOptions, Converted, convert};
use ferrome_core::engine;
use ferrome_core::journal::RunDescription;

/// Cells that are made up from their number.
pub(crate) struct Memory {
    header: Header,
    next: u64,
    cells: u64,
    /// Waits before each block.
    pub(crate) delay: std::time::Duration,
}

pub(crate) const GENES: u32 = 50;

impl Memory {
    pub(crate) fn new(cells: u64) -> Self {
        let ids = StringArray::from_iter_values((0..GENES).map(|gene| format!("ENSG{:011}.{}", gene, gene % 4)));
        let names = StringArray::from_iter_values((0..GENES).map(|gene| format!("G{gene}")));
        let kinds = (0..GENES as i32).map(|gene| Some(gene % 2)).collect::<Int32Array>();
        let kinds =
            DictionaryArray::try_new(kinds, Arc::new(StringArray::from(vec!["coding", "other", "none"]))).unwrap();
        let fields = vec![category("biotype", false), Field::new("gene_id", DataType::Int64, false)];
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::from(GENES)));
        let columns = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(kinds), numbers]).unwrap();
        let header = Header {
            genes: Genes { ids, names: Some(names), columns },
            cells: Some(cells),
            nonzeros: None,
            obs: obs(0..0).schema(),
            layer: "layers/counts".to_owned(),
            kind: ValueKind::Counts,
            format: "memory",
        };
        Self { header, next: 0, cells, delay: std::time::Duration::ZERO }
    }
}

impl Memory {
    /// Gives the genes a column `gene_name` of their names, and no other.
    pub(crate) fn name_column(&mut self) {
        let names: ArrayRef = Arc::new(self.header.genes.names.clone().unwrap());
        self.header.genes.columns = RecordBatch::try_from_iter_with_nullable([("gene_name", names, true)]).unwrap();
    }
}

fn category(name: &str, ordered: bool) -> Field {
    Field::new_dictionary(name, DataType::Int32, DataType::Utf8, true).with_dict_is_ordered(ordered)
}

/// The columns of obs of some cells.
pub(crate) fn obs(cells: std::ops::Range<u64>) -> RecordBatch {
    let stages = StringArray::from(vec!["late", "early", "never"]);
    let keys: Int32Array = cells.clone().map(|cell| (cell % 5 != 0).then_some((cell % 2) as i32)).collect();
    let stages = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(stages)).unwrap();
    let fields = vec![
        Field::new("donor", DataType::Utf8, false),
        category("stage", true),
        Field::new("n_counts", DataType::Float64, false),
        Field::new("age", DataType::Int64, true),
        Field::new("doublet", DataType::Boolean, false),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(cells.clone().map(|cell| Some(format!("d{}", cell % 3))).collect::<StringArray>()),
        Arc::new(stages),
        Arc::new(cells.clone().map(|cell| Some(cell as f64 / 3.0)).collect::<Float64Array>()),
        Arc::new(cells.clone().map(|cell| (cell % 7 != 0).then_some(cell as i64)).collect::<Int64Array>()),
        Arc::new(cells.map(|cell| Some(cell % 2 == 0)).collect::<BooleanArray>()),
    ];
    let metadata = [("index".to_owned(), "barcode".to_owned())].into();
    RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), columns).unwrap()
}

impl CellReader for Memory {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, nonzeros: usize) -> ferrome_cell::Result<Option<Cells>> {
        std::thread::sleep(self.delay);
        let (first, mut end) = (self.next, self.next);
        let (mut starts, mut genes, mut counts, mut rejected) = (vec![0], Vec::new(), Vec::new(), Vec::new());
        while end < self.cells && (end == first || genes.len() < nonzeros) {
            if end % 41 == 40 {
                rejected.push(((end - first) as usize, format!("negative count {end}")));
            } else {
                for gene in (0..GENES).filter(|gene| (u64::from(*gene) * 7 + end * 13) % 5 == 0) {
                    genes.push(gene);
                    counts.push((end % 9) as i32 + gene as i32 + 1);
                }
            }
            starts.push(genes.len());
            end += 1;
        }
        self.next = end;
        let ids = StringArray::from_iter_values((first..end).map(|cell| format!("cell-{cell}")));
        let values = Values::Counts(counts);
        let cells = Cells { first, ids, obs: obs(first..end), starts, genes, values, rejected, rounded: 1 };
        Ok((end > first).then_some(cells))
    }
}

pub(crate) fn options(block: usize) -> ConvertOptions {
    ConvertOptions { engine: engine::Options { threads: 2, quiet: true, ..engine::Options::default() }, block }
}

/// Writes a dataset of so many cells.
pub(crate) fn write(cells: u64, path: &Path, options: &ConvertOptions) -> ferrome_cell::Result<Converted> {
    convert(Box::new(Memory::new(cells)), path, options, RunDescription::new().with("input", "memory"))
}

/// All cells of a reader as one block.
pub(crate) fn all(reader: &mut dyn CellReader, budget: usize) -> Cells {
    let genes = reader.header().genes.len();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_cells(budget).unwrap() {
        block.check(genes).unwrap();
        blocks.push(block);
    }
    let schema = reader.header().obs.clone();
    let mut all = Cells {
        first: 0,
        ids: blocks.iter().flat_map(|block| block.ids.iter()).collect(),
        obs: concat_batches(&schema, blocks.iter().map(|block| &block.obs)).unwrap(),
        starts: vec![0],
        genes: Vec::new(),
        values: match blocks.first().map(|block| &block.values) {
            Some(Values::Floats(_)) => Values::Floats(Vec::new()),
            _ => Values::Counts(Vec::new()),
        },
        rejected: Vec::new(),
        rounded: 0,
    };
    for block in blocks {
        let (rows, entries) = (all.starts.len() - 1, all.genes.len());
        assert_eq!(block.first, rows as u64);
        all.starts.extend(block.starts[1..].iter().map(|start| start + entries));
        all.genes.extend(block.genes);
        match (&mut all.values, block.values) {
            (Values::Counts(all), Values::Counts(values)) => all.extend(values),
            (Values::Floats(all), Values::Floats(values)) => all.extend(values),
            _ => unreachable!(),
        }
        all.rejected.extend(block.rejected.into_iter().map(|(row, reason)| (row + rows, reason)));
        all.rounded += block.rounded;
    }
    all
}

/// Asserts that two blocks hold the same cells.
pub(crate) fn assert_same(left: &Cells, right: &Cells) {
    assert_eq!(left.ids, right.ids);
    assert_eq!(left.starts, right.starts);
    assert_eq!(left.genes, right.genes);
    assert_eq!(left.values, right.values);
    assert_eq!(left.rejected, right.rejected);
    assert_eq!(left.obs.schema(), right.obs.schema());
    assert_eq!(left.obs, right.obs);
    for (left, right) in left.obs.columns().iter().zip(right.obs.columns()) {
        if let (Some(left), Some(right)) = (left.as_any_dictionary_opt(), right.as_any_dictionary_opt()) {
            assert_eq!(left.values(), right.values());
        }
    }
}

/// Every file below `path`, with its bytes.
pub(crate) fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() {
            files.extend(self::files(&entry).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            files.push((name, fs_err::read(&entry).unwrap()));
        }
    }
    files.sort();
    files
}

/// The lengths of a reader's blocks.
pub(crate) fn lengths(reader: &mut dyn CellReader, budget: usize) -> Vec<usize> {
    std::iter::from_fn(|| reader.next_cells(budget).unwrap()).map(|block| block.len()).collect()
}
