//! What training writes: a folder as `EsmForMaskedLM.save_pretrained` would, and the checkpoint to go on from.

use std::path::Path;

use ferrome_core::{
    journal::write_whole,
    train::{state_entry, write_tensors},
};
use serde::Serialize;
use tch::Tensor;

use crate::{
    Result,
    model::{Config, Esm, PositionKind},
    tokenize,
};

/// Our one tensor of queries, keys and values, and the three of a checkpoint.
const FUSED: &str = "query_key_value";
const APART: [&str; 3] = ["query", "key", "value"];

/// Names and shapes of all tensors of a model, as transformers has them.
pub(super) fn checkpoint_names(config: &Config) -> Vec<(String, Vec<i64>)> {
    let (d, f, v) = (config.hidden_size, config.intermediate_size, config.vocab_size);
    let linear = |name: &str, rows: i64, columns: i64| {
        [(format!("{name}.weight"), vec![rows, columns]), (format!("{name}.bias"), vec![rows])]
    };
    let norm = |name: &str| [(format!("{name}.weight"), vec![d]), (format!("{name}.bias"), vec![d])];
    let mut all = vec![("esm.embeddings.word_embeddings.weight".to_owned(), vec![v, d])];
    if config.position_embedding_type == PositionKind::Absolute {
        all.push(("esm.embeddings.position_embeddings.weight".into(), vec![config.max_position_embeddings, d]));
    }
    if config.emb_layer_norm_before {
        all.extend(norm("esm.embeddings.layer_norm"));
    }
    for layer in (0..config.num_hidden_layers).map(|i| format!("esm.encoder.layer.{i}")) {
        all.extend(APART.iter().flat_map(|part| linear(&format!("{layer}.attention.self.{part}"), d, d)));
        all.extend(linear(&format!("{layer}.attention.output.dense"), d, d));
        all.extend(linear(&format!("{layer}.intermediate.dense"), f, d));
        all.extend(linear(&format!("{layer}.output.dense"), d, f));
        all.extend(norm(&format!("{layer}.attention.LayerNorm")));
        all.extend(norm(&format!("{layer}.LayerNorm")));
    }
    all.extend(norm("esm.encoder.emb_layer_norm_after"));
    all.extend(linear("lm_head.dense", d, d));
    all.extend(norm("lm_head.layer_norm"));
    all.push(("lm_head.bias".into(), vec![v]));
    all
}

/// Writes `config.json`, `model.safetensors`, `vocab.txt` and the tokenizer's two files.
///
/// # Errors
///
/// The folder cannot be written.
pub(super) fn hugging_face(model: &Esm, folder: &Path) -> Result<()> {
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (name, tensor) in model.parameters() {
        if name.contains(FUSED) {
            for (part, piece) in APART.iter().zip(tensor.f_chunk(3, 0)?) {
                tensors.push((name.replace(FUSED, part), piece));
            }
        } else {
            tensors.push((name, tensor.shallow_clone()));
        }
    }
    if let Some(inv_freq) = model.inv_freq() {
        for i in 0..model.config().num_hidden_layers {
            let name = format!("esm.encoder.layer.{i}.attention.self.rotary_embeddings.inv_freq");
            tensors.push((name, inv_freq.shallow_clone()));
        }
    }
    let tensors: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    write_tensors(&tensors, [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    write_whole(&folder.join("config.json"), config_json(model.config()))?;
    write_whole(&folder.join("vocab.txt"), tokenize::TOKENS.join("\n"))?;
    write_whole(&folder.join("special_tokens_map.json"), SPECIAL_TOKENS)?;
    Ok(write_whole(&folder.join("tokenizer_config.json"), TOKENIZER)?)
}

const SPECIAL_TOKENS: &str = r#"{"cls_token": "<cls>", "eos_token": "<eos>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}
"#;
const TOKENIZER: &str = r#"{"tokenizer_class": "EsmTokenizer", "do_lower_case": false, "model_max_length": 1000000000000000019884624838656}
"#;

// The published keys, with those that transformers needs and that do not change what Ferrome computes.
fn config_json(config: &Config) -> String {
    let mut value = serde_json::to_value(config).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        let fixed = serde_json::json!({
            "architectures": ["EsmForMaskedLM"], "model_type": "esm", "is_folding_model": false, "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.02,
            "torch_dtype": "float32", "vocab_list": null, "esmfold_config": null,
        });
        map.extend(fixed.as_object().cloned().unwrap_or_default());
    }
    format!("{value:#}\n")
}

/// Writes the parameters, the optimiser's state and `state` into one file, whole or not at all.
///
/// # Errors
///
/// The file cannot be written.
pub(super) fn checkpoint(
    parameters: Vec<(String, &Tensor)>,
    optimiser: Vec<(String, &Tensor)>,
    state: &impl Serialize,
    path: &Path,
) -> Result<()> {
    let all: Vec<(String, &Tensor)> = parameters.into_iter().chain(optimiser).collect();
    Ok(write_tensors(&all, [state_entry(state)?], path)?)
}
