//! Small random Geneformers, and tables of tokens for them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Int32Type};
use parquet::arrow::ArrowWriter;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

use super::inputs::Random;

/// Blocks, width and width within the feed-forward layer.
const LAYERS: usize = 2;
const WIDTH: usize = 16;
const INNER: usize = 32;

/// Writes a checkpoint of so many tokens and positions as `BertForMaskedLM` saves it.
pub(crate) fn write(folder: &Path, tokens: usize, positions: usize) {
    fs_err::create_dir_all(folder).unwrap();
    let config = json!({
        "model_type": "bert", "hidden_act": "relu", "vocab_size": tokens, "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": 2, "intermediate_size": INNER, "max_position_embeddings": positions, "pad_token_id": 0,
        "layer_norm_eps": 1e-12, "type_vocab_size": 2,
    });
    fs_err::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut random = Random(11);
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes(tokens, positions)
        .into_iter()
        .map(|(name, shape)| {
            let one = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
            let numbers = (0..shape.iter().product()).map(|_| one + (random.share() as f32 - 0.5));
            let bytes = numbers.flat_map(f32::to_le_bytes).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &folder.join("model.safetensors")).unwrap();
}

fn shapes(tokens: usize, positions: usize) -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("bert.embeddings.word_embeddings.weight".to_owned(), vec![tokens, WIDTH]),
        ("bert.embeddings.position_embeddings.weight".to_owned(), vec![positions, WIDTH]),
        ("bert.embeddings.token_type_embeddings.weight".to_owned(), vec![2, WIDTH]),
    ];
    let mut norm = |name: String| {
        all.push((format!("{name}.weight"), vec![WIDTH]));
        all.push((format!("{name}.bias"), vec![WIDTH]));
    };
    norm("bert.embeddings.LayerNorm".into());
    for layer in (0..LAYERS).map(|i| format!("bert.encoder.layer.{i}")) {
        norm(format!("{layer}.attention.output.LayerNorm"));
        norm(format!("{layer}.output.LayerNorm"));
    }
    norm("cls.predictions.transform.LayerNorm".into());
    let mut linear = |name: String, shape: [usize; 2]| {
        all.push((format!("{name}.weight"), shape.to_vec()));
        all.push((format!("{name}.bias"), vec![shape[0]]));
    };
    for layer in (0..LAYERS).map(|i| format!("bert.encoder.layer.{i}")) {
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(format!("{layer}.attention.{part}"), [WIDTH, WIDTH]);
        }
        linear(format!("{layer}.intermediate.dense"), [INNER, WIDTH]);
        linear(format!("{layer}.output.dense"), [WIDTH, INNER]);
    }
    linear("cls.predictions.transform.dense".into(), [WIDTH, WIDTH]);
    all.push(("cls.predictions.bias".to_owned(), vec![tokens]));
    all
}

/// Writes cells to a Parquet file: `input_ids`, `cell_id` (`c0`, `c1`, …) and `cell_type`.
pub(crate) fn write_tokens(path: &Path, cells: &[Option<Vec<i32>>]) {
    write_tokens_and_values(path, cells, None);
}

/// The same with a value for each token, as scGPT takes them.
pub(crate) fn write_tokens_and_values(path: &Path, cells: &[Option<Vec<i32>>], values: Option<&[Vec<f32>]>) {
    let lists = cells.iter().map(|cell| cell.as_ref().map(|tokens| tokens.iter().copied().map(Some)));
    let tokens: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let ids: ArrayRef = Arc::new((0..cells.len()).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let types: ArrayRef = Arc::new((0..cells.len()).map(|i| Some(["B", "T"][i % 2])).collect::<StringArray>());
    let values = values.map(|values| {
        let lists = values.iter().map(|cell| Some(cell.iter().copied().map(Some)));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists));
        ("values", lists, true)
    });
    let columns = [("input_ids", tokens, true), ("cell_id", ids, true), ("cell_type", types, true)];
    let table = RecordBatch::try_from_iter_with_nullable(columns.into_iter().chain(values)).unwrap();
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
}

/// Random cells without special tokens: distinct genes from 4 up, of 1 to `most` genes.
pub(crate) fn cells(count: usize, tokens: usize, most: usize) -> Vec<Option<Vec<i32>>> {
    let mut random = Random(5);
    let cell = |_| {
        let length = 1 + (random.share() * most as f64) as usize;
        let start = (random.share() * (tokens - 4) as f64) as usize;
        Some((0..length.min(most)).map(|i| (4 + (start + 7 * i) % (tokens - 4)) as i32).collect())
    };
    (0..count).map(cell).collect()
}
