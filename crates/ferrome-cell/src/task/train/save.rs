//! The model's folder: a Geneformer's as `save_pretrained` of transformers would write it, an scGPT's as its users have them.

use ferrome_core::journal::write_whole;
use ferrome_core::train::write_tensors_as;
use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};

use super::Start;
use super::config::Store;
use super::lesson::Lesson;
use super::network::Network;
use crate::model::{Encoder, GeneformerConfig, OpenModel, scgpt};
use crate::{Error, Result};

/// Our one tensor of queries, keys and values, and the three of a checkpoint.
const FUSED: &str = "query_key_value";
const APART: [&str; 3] = ["query", "key", "value"];

/// Writes `model.safetensors`, `config.json` or `args.json`, and the vocabulary where it is known; adapters are added to the matrices.
pub(super) fn model(start: &Start, lesson: &Lesson, network: &Network) -> Result<()> {
    let _guard = tch::no_grad_guard();
    let encoder = network.encoder()?;
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (name, tensor) in encoder.parameters() {
        // A Geneformer that classifies hides no genes; an scGPT keeps its decoders, which upstream's class needs.
        if network.head.is_some() && (name.starts_with("cls.") || name.starts_with("cls_decoder.")) {
            continue;
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
    if let Some(OpenModel::ScGpt(opened)) = start.from {
        tensors.extend(opened.buffers()?);
    }
    let tensors: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let (folder, kind) = (start.folder, if start.config.store == Store::F16 { Kind::Half } else { Kind::Float });
    write_tensors_as(&tensors, kind, [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    match &encoder {
        Encoder::Geneformer(encoder) => {
            write_whole(&folder.join("config.json"), config_json(start, lesson, encoder.config())?)?;
            start.vocabulary.map_or(Ok(()), |vocabulary| vocabulary.save(&folder.join("vocabulary.json")))
        }
        Encoder::ScGpt(encoder) => {
            write_whole(&folder.join("args.json"), args_json(start, lesson, encoder.config())?)?;
            let Some(vocabulary) = start.vocabulary else { return Ok(()) };
            lesson.corpus.recipe(vocabulary).save(folder)?;
            scgpt::save_vocabulary(vocabulary, folder)
        }
    }
}

// The published keys, with those that transformers needs and that do not change what Ferrome computes.
fn config_json(start: &Start, lesson: &Lesson, config: &GeneformerConfig) -> Result<String> {
    let mut value = serde_json::to_value(config).map_err(|e| Error::Train(e.to_string()))?;
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

// What the checkpoint's own file says beside the keys that are known here, and the classes.
fn args_json(start: &Start, lesson: &Lesson, config: &scgpt::Config) -> Result<String> {
    let mut value = match start.from {
        Some(OpenModel::ScGpt(opened)) => opened.other_arguments()?,
        _ => json!({"input_style": "binned", "pad_token": "<pad>", "pad_value": -2, "mask_value": -1}),
    };
    let known = serde_json::to_value(config).map_err(|e| Error::Train(e.to_string()))?;
    if let (Some(map), Some(known)) = (value.as_object_mut(), known.as_object()) {
        map.extend(known.clone());
        map.extend(lesson.classes().map_or_else(Map::new, |classes| classes.arguments()));
    }
    Ok(format!("{value:#}\n"))
}
