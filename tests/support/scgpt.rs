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

/// Writes cells of three types (B, Mono, T), which have eight of their own ten genes, highly expressed, and four of the others, weakly;
/// and of five donors: `input_ids`, `values`, `cell_id`, `type`, `donor`. Each begins with `cls`.
pub(crate) fn write_types(path: &Path, cells: usize, cls: i32) {
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    for cell in 0..cells {
        let kind = cell % 3;
        let own = (0..8).map(|i| kind * 10 + (i * 7 + cell * 3) % 10);
        let rest = (0..4).map(|i| (kind * 10 + 10 + (i * 5 + cell * 11) % 20) % GENES);
        let level = |gene: usize, from: f32| from + ((gene * 7 + cell * 5) % 15) as f32;
        let high = own.clone().map(|gene| level(gene, 31.0));
        values.push(std::iter::once(0.0).chain(high).chain(rest.clone().map(|gene| level(gene, 1.0))).collect());
        tokens.push(std::iter::once(cls).chain(own.chain(rest).map(|gene| gene as i32)).collect());
    }
    let text = |of: &dyn Fn(usize) -> String| Arc::new((0..cells).map(|i| Some(of(i))).collect::<StringArray>()) as _;
    let kind = text(&|i| ["B", "Mono", "T"][i % 3].to_owned());
    write(path, &tokens, &values, vec![("type", kind), ("donor", text(&|i| format!("donor{}", i / 3 % 5)))]);
}

/// Writes the model without dropout, for trainings that have to be short.
pub(crate) fn write_model(folder: &Path) {
    let golden = super::root().join("tests/golden/cell/scgpt_torch");
    fs_err::create_dir_all(folder).unwrap();
    for name in ["best_model.pt", "vocab.json"] {
        fs_err::copy(golden.join(name), folder.join(name)).unwrap();
    }
    let mut arguments: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(golden.join("args.json")).unwrap()).unwrap();
    arguments["dropout"] = 0.0.into();
    fs_err::write(folder.join("args.json"), arguments.to_string()).unwrap();
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
