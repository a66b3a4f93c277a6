//! A small study: cells of two types from two batches.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::inputs::Random;
use super::scgpt::GENES;

/// Writes counts to a Parquet file, one column per gene (`GENE0`, …), with `cell_id`, `batch` and `cell_type`. A type has every second
/// gene in plenty, and the second batch twice as much of the first half of the genes.
pub(crate) fn write(path: &Path, cells: usize) {
    let mut random = Random(33);
    let (batch, kind): (Vec<usize>, Vec<usize>) = (0..cells).map(|cell| (cell % 2, cell / 2 % 2)).unzip();
    let name = |names: [&'static str; 2], of: &[usize]| -> ArrayRef {
        Arc::new(of.iter().map(|&place| Some(names[place])).collect::<StringArray>())
    };
    let ids: ArrayRef = Arc::new((0..cells).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let mut columns = vec![("cell_id".to_owned(), ids)];
    columns.push(("batch".to_owned(), name(["first", "second"], &batch)));
    columns.push(("cell_type".to_owned(), name(["B", "T"], &kind)));
    for gene in 0..GENES {
        let count = |(&batch, &kind): (&usize, &usize)| {
            let plenty = if gene % 2 == kind { 9.0 } else { 1.0 };
            let scale = if gene < GENES / 2 && batch == 1 { 2.0 } else { 1.0 };
            (plenty * scale * (0.5 + random.share())).round() as i32
        };
        let counts: Vec<i32> = batch.iter().zip(&kind).map(count).collect();
        columns.push((format!("GENE{gene}"), Arc::new(Int32Array::from(counts))));
    }
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}
