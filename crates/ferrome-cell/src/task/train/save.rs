//! The model's folder, as `save_pretrained` of transformers would write it.

use ferrome_core::journal::write_whole;
use ferrome_core::train::write_tensors_as;
use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};

use super::Start;
use super::config::Store;
use super::lesson::Lesson;
use super::network::Network;
use crate::{Error, Result};

/// Our one tensor of queries, keys and values, and the three of a checkpoint.
const FUSED: &str = "query_key_value";
const APART: [&str; 3] = ["query", "key", "value"];

/// Writes `model.safetensors`, `config.json`, and `vocabulary.json` where the vocabulary is known; adapters are added to the
/// matrices.
pub(super) fn hugging_face(start: &Start, lesson: &Lesson, network: &Network) -> Result<()> {
    let _guard = tch::no_grad_guard();
    let encoder = network.encoder()?;
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (name, tensor) in encoder.parameters() {
        if name.starts_with("cls.") && network.head.is_some() {
            continue; // a classifier hides no genes
        }
        if name.contains(FUSED) {
            for (part, piece) in APART.iter().zip(tensor.f_chunk(3, 0)?) {
                tensors.push((name.replace(FUSED, part), piece));
            }
        } else {
            tensors.push((name, tensor.shallow_clone()));
        }
    }
    let head = network.head.iter().flat_map(|head| head.parameters());
    tensors.extend(head.map(|(name, tensor)| (name, tensor.shallow_clone())));
    let tensors: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let (folder, kind) = (start.folder, if start.config.store == Store::F16 { Kind::Half } else { Kind::Float });
    write_tensors_as(&tensors, kind, [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    write_whole(&folder.join("config.json"), config_json(start, lesson, &encoder)?)?;
    match start.vocabulary {
        Some(vocabulary) => vocabulary.save(&folder.join("vocabulary.json")),
        None => Ok(()),
    }
}

// The published keys, with those that transformers needs and that do not change what Ferrome computes.
fn config_json(start: &Start, lesson: &Lesson, encoder: &crate::model::Geneformer) -> Result<String> {
    let mut value = serde_json::to_value(encoder.config()).map_err(|e| Error::Train(e.to_string()))?;
    let dtype = if start.config.store == Store::F16 { "float16" } else { "float32" };
    let fixed = json!({
        "architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_act": "relu", "initializer_range": 0.02,
        "position_embedding_type": "absolute", "torch_dtype": dtype,
    });
    let classes = lesson.classes().map_or_else(Map::new, |classes| classes.keys());
    if let Some(map) = value.as_object_mut() {
        map.extend(fixed.as_object().cloned().unwrap_or_default());
        map.extend(classes);
    }
    Ok(format!("{:#}\n", value as Value))
}
