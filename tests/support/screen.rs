//! A small screen of perturbations.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::inputs::Random;

const GENES: usize = 24;
const REGULATORS: usize = 5;

/// Writes counts to a Parquet file, one column per gene (`GENE0`, …), with `cell_id` and `condition`: controls, genes 0 to 4 alone and
/// in pairs. A perturbed gene halves itself and doubles two others.
pub(crate) fn write(path: &Path) {
    let mut conditions = vec![vec![]];
    conditions.extend((0..REGULATORS).map(|gene| vec![gene]));
    conditions.extend((0..REGULATORS).flat_map(|a| (a + 1..REGULATORS).map(move |b| vec![a, b])));
    let mut random = Random(21);
    let (mut names, mut counts) = (Vec::new(), vec![Vec::new(); GENES]);
    for genes in &conditions {
        for _ in 0..12 {
            names.push(name(genes));
            for (gene, column) in counts.iter_mut().enumerate() {
                let factor: f64 = genes.iter().map(|&regulator| effect(regulator, gene)).product();
                column.push((factor * (20.0 + gene as f64) * (0.8 + 0.4 * random.share())).round() as i32);
            }
        }
    }
    let ids: ArrayRef = Arc::new((0..names.len()).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let condition: ArrayRef = Arc::new(StringArray::from(names));
    let mut columns = vec![("cell_id".to_owned(), ids), ("condition".to_owned(), condition)];
    for (gene, column) in counts.into_iter().enumerate() {
        columns.push((format!("GENE{gene}"), Arc::new(Int32Array::from(column))));
    }
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}

fn effect(regulator: usize, gene: usize) -> f64 {
    match gene {
        _ if gene == regulator => 0.5,
        _ if gene == 6 + 3 * regulator || gene == 7 + 3 * regulator => 2.0,
        _ => 1.0,
    }
}

fn name(genes: &[usize]) -> String {
    match genes {
        [] => "ctrl".into(),
        [one] => format!("GENE{one}+ctrl"),
        many => many.iter().map(|gene| format!("GENE{gene}")).collect::<Vec<_>>().join("+"),
    }
}
