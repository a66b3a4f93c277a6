//! The small scGPT of `tests/golden/cell/scgpt_torch`, and tokens for it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Int32Type};
use parquet::arrow::ArrowWriter;

use super::inputs::Random;

/// Genes of the model, which are its first tokens; `<cls>` comes after `<pad>`.
pub(crate) const GENES: usize = 30;
const CLS: i32 = 31;

/// Writes cells of random genes and values to a Parquet file: `input_ids`, `values`, `cell_id`, `disease` (`healthy` and `sick`).
pub(crate) fn write_tokens(path: &Path, cells: usize) {
    let mut random = Random(9);
    let mut share = || random.share();
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    for _ in 0..cells {
        let genes: Vec<i32> = (0..GENES as i32).filter(|_| share() < 0.7).collect();
        values.push(std::iter::once(-2.0).chain(genes.iter().map(|_| (share() * 50.0).floor() as f32 + 1.0)).collect());
        tokens.push(std::iter::once(CLS).chain(genes).collect());
    }
    write(path, &tokens, &values);
}

fn write(path: &Path, tokens: &[Vec<i32>], values: &[Vec<f32>]) {
    let lists = tokens.iter().map(|cell| Some(cell.iter().copied().map(Some)));
    let input_ids: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let lists = values.iter().map(|cell| Some(cell.iter().copied().map(Some)));
    let values: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists));
    let ids: ArrayRef = Arc::new((0..tokens.len()).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let diseases = (0..tokens.len()).map(|i| Some(["healthy", "sick"][i % 2]));
    let disease: ArrayRef = Arc::new(diseases.collect::<StringArray>());
    let columns = [("input_ids", input_ids), ("values", values), ("cell_id", ids), ("disease", disease)];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}
