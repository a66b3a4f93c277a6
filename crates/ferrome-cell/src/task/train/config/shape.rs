use serde_json::{Map, Value};

use crate::model::{Family, GeneformerConfig, Shape, scgpt};
use crate::tokenize::Style;
use crate::{Error, Result};

/// Keys that the vocabulary, or a checkpoint, decides.
const DECIDED: [&str; 6] = ["vocab_size", "ntoken", "n_input_bins", "num_batch_labels", "use_batch_labels", "n_cls"];

/// The keys of `model`, and the defaults of the family that the style belongs to.
pub(super) fn of(given: &Map<String, Value>, style: Style, rows: i64, source: &str) -> Result<Shape> {
    let number = |key: &str, default: i64| given.get(key).and_then(Value::as_i64).unwrap_or(default);
    let layers = |key: &str, default: i64| usize::try_from(number(key, default)).unwrap_or(0);
    if style == Style::ScGpt {
        let shape = scgpt::Config::new(rows, layers("nlayers", 12), number("embsize", 512), number("nheads", 8));
        let full = overlay(given, serde_json::to_value(shape), Family::ScGpt, source)?;
        return scgpt::Config::parse(&Value::Object(full).to_string(), source).map(Shape::ScGpt);
    }
    let layers = layers("num_hidden_layers", 6);
    let shape = GeneformerConfig::new(rows, layers, number("hidden_size", 256), number("num_attention_heads", 4));
    let mut full = overlay(given, serde_json::to_value(shape), Family::Geneformer, source)?;
    full.insert("model_type".into(), "bert".into());
    full.insert("hidden_act".into(), "relu".into());
    GeneformerConfig::parse(&Value::Object(full).to_string(), source).map(Shape::Geneformer)
}

fn overlay(
    given: &Map<String, Value>,
    defaults: serde_json::Result<Value>,
    family: Family,
    source: &str,
) -> Result<Map<String, Value>> {
    let Ok(Value::Object(mut full)) = defaults else { return Ok(Map::new()) };
    for (key, value) in given {
        match full.get_mut(key) {
            Some(slot) if !DECIDED.contains(&key.as_str()) => *slot = value.clone(),
            _ => return Err(Error::file(source, format!("unknown key `{key}` in `model` ({family})"))),
        }
    }
    Ok(full)
}
