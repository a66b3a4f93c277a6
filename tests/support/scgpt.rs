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
    let disease = (0..cells).map(|i| Some(["healthy", "sick"][i % 2])).collect::<StringArray>();
    write(path, &tokens, &values, vec![("disease", Arc::new(disease))]);
}

/// Writes cells of three types (B, Mono, T) that have their own ten genes highly expressed and the others weakly, and of five donors:
/// `input_ids`, `values`, `cell_id`, `type`, `donor`. Each begins with `cls`.
pub(crate) fn write_types(path: &Path, cells: usize, cls: i32) {
    let mut random = Random(3);
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    for cell in 0..cells {
        let mut level = |gene: i32| {
            let from = if gene as usize / 10 == cell % 3 { 31.0 } else { 1.0 };
            from + (random.share() * 15.0).floor() as f32
        };
        let genes: Vec<i32> = (0..GENES as i32).filter(|&gene| !(gene as usize + cell).is_multiple_of(4)).collect();
        values.push(std::iter::once(0.0).chain(genes.iter().map(|&gene| level(gene))).collect());
        tokens.push(std::iter::once(cls).chain(genes).collect());
    }
    let text = |of: &dyn Fn(usize) -> String| Arc::new((0..cells).map(|i| Some(of(i))).collect::<StringArray>()) as _;
    let kind = text(&|i| ["B", "Mono", "T"][i % 3].to_owned());
    write(path, &tokens, &values, vec![("type", kind), ("donor", text(&|i| format!("donor{}", i / 3 % 5)))]);
}

fn write(path: &Path, tokens: &[Vec<i32>], values: &[Vec<f32>], obs: Vec<(&str, ArrayRef)>) {
    let lists = tokens.iter().map(|cell| Some(cell.iter().copied().map(Some)));
    let input_ids: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let lists = values.iter().map(|cell| Some(cell.iter().copied().map(Some)));
    let values: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists));
    let ids: ArrayRef = Arc::new((0..tokens.len()).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let columns = [("input_ids", input_ids), ("values", values), ("cell_id", ids)];
    let table = RecordBatch::try_from_iter(columns.into_iter().chain(obs)).unwrap();
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}
