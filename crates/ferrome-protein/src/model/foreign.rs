//! fair-esm checkpoints: names and configuration, brought once into the form of transformers.

use ferrome_core::weights::{Checkpoint, Value};

use super::{Config, PositionKind};

/// `old` and `new` beginnings of names within a block.
const BLOCK: [(&str, &str); 9] = [
    ("self_attn.q_proj.", "attention.self.query."),
    ("self_attn.k_proj.", "attention.self.key."),
    ("self_attn.v_proj.", "attention.self.value."),
    ("self_attn.rot_emb.", "attention.self.rotary_embeddings."),
    ("self_attn.out_proj.", "attention.output.dense."),
    ("self_attn_layer_norm.", "attention.LayerNorm."),
    ("final_layer_norm.", "LayerNorm."),
    ("fc1.", "intermediate.dense."),
    ("fc2.", "output.dense."),
];

/// The same outside the blocks; the first that fits counts.
const OUTSIDE: [(&str, &str); 6] = [
    ("embed_tokens.", "esm.embeddings.word_embeddings."),
    ("embed_positions.", "esm.embeddings.position_embeddings."),
    ("emb_layer_norm_before.", "esm.embeddings.layer_norm."),
    ("emb_layer_norm_after.", "esm.encoder.emb_layer_norm_after."),
    ("contact_head.", "esm.contact_head."),
    ("lm_head.weight", "lm_head.decoder.weight"), // tied to the embedding
];

/// Whether the names are fair-esm's.
pub(super) fn is_fair_esm(checkpoint: &Checkpoint) -> bool {
    checkpoint.names().any(|name| stripped(name) == "embed_tokens.weight")
}

/// The name that transformers gives a tensor of fair-esm.
pub(super) fn rename(name: &str) -> String {
    let name = stripped(name);
    if let Some((layer, rest)) = name.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) {
        let new = replace(rest, &BLOCK).unwrap_or_else(|| rest.to_owned());
        return format!("esm.encoder.layer.{layer}.{new}");
    }
    replace(name, &OUTSIDE).unwrap_or_else(|| name.to_owned())
}

// Both files hold their tensors under `model`.
fn stripped(name: &str) -> &str {
    let name = name.strip_prefix("model.").unwrap_or(name);
    let name = name.strip_prefix("encoder.").unwrap_or(name);
    name.strip_prefix("sentence_encoder.").unwrap_or(name)
}

fn replace(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)))
}

/// The configuration of a fair-esm checkpoint whose names are already transformers': shapes say almost everything, the
/// stored arguments the rest.
pub(super) fn config(checkpoint: &Checkpoint) -> Result<Config, String> {
    let shape =
        |name: &str| checkpoint.info(name).map(|info| info.shape.clone()).ok_or(format!("has no tensor `{name}`"));
    let [vocabulary, width] = two(&shape("esm.embeddings.word_embeddings.weight")?)?;
    let [hidden, _] = two(&shape("esm.encoder.layer.0.intermediate.dense.weight")?)?;
    let mut layers = 0;
    while checkpoint.info(&format!("esm.encoder.layer.{layers}.LayerNorm.weight")).is_some() {
        layers += 1;
    }
    let mut config = Config::esm2(layers, width, 1);
    (config.vocab_size, config.intermediate_size) = (vocabulary, hidden);
    let inv_freq = checkpoint.info("esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq");
    let positions = checkpoint.info("esm.embeddings.position_embeddings.weight");
    let arguments = |key: &str| argument(checkpoint.metadata(), key).cloned();
    let heads = ["encoder_attention_heads", "attention_heads"].iter().find_map(|key| arguments(key)?.as_int());
    config.num_attention_heads = match (inv_freq, heads) {
        (Some(info), _) => width / (2 * info.shape.iter().product::<usize>().max(1) as i64),
        (None, Some(heads)) => heads,
        (None, None) => 20, // ESM-1b and every ESM-1v
    };
    if let Some(info) = positions {
        config.position_embedding_type = PositionKind::Absolute;
        config.max_position_embeddings = two(&info.shape)?[0];
    } else if inv_freq.is_none() {
        return Err("has neither `embed_positions` (ESM-1b, ESM-1v) nor `rot_emb` (ESM-2): another architecture".into());
    }
    config.emb_layer_norm_before = checkpoint.info("esm.embeddings.layer_norm.weight").is_some();
    if let Some(Value::Bool(dropout)) = arguments("token_dropout") {
        config.token_dropout = dropout;
    }
    Ok(config)
}

// `args` is a namespace; `cfg` holds one under `model`.
fn argument<'v>(metadata: &'v Value, key: &str) -> Option<&'v Value> {
    let homes = [metadata.get("args"), metadata.get("cfg").and_then(|cfg| cfg.get("model")), metadata.get("cfg")];
    homes.into_iter().flatten().find_map(|home| home.get(key))
}

fn two(shape: &[usize]) -> Result<[i64; 2], String> {
    match shape {
        [rows, columns] => Ok([*rows as i64, *columns as i64]),
        _ => Err(format!("has a matrix of shape {shape:?}, expected two dimensions")),
    }
}

#[cfg(test)]
mod tests {
    use super::rename;

    #[test]
    fn names_become_those_of_transformers() {
        let cases = [
            (
                "encoder.sentence_encoder.layers.7.self_attn.q_proj.bias",
                "esm.encoder.layer.7.attention.self.query.bias",
            ),
            ("encoder.lm_head.dense.weight", "lm_head.dense.weight"),
            ("encoder.lm_head.weight", "lm_head.decoder.weight"),
            ("model.encoder.sentence_encoder.emb_layer_norm_before.bias", "esm.embeddings.layer_norm.bias"),
            ("contact_head.regression.weight", "esm.contact_head.regression.weight"),
            ("layers.0.final_layer_norm.weight", "esm.encoder.layer.0.LayerNorm.weight"),
        ];
        for (old, new) in cases {
            assert_eq!(rename(old), new);
        }
    }
}
