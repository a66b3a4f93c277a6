//! Names of tensors in scGPT's checkpoints, brought once into those of `torch.nn.TransformerEncoder`.

/// Parts of names: flash-attn's, and torch's.
const TABLE: [(&str, &str); 3] =
    [("self_attn._impl.", "self_attn."), ("self_attn.Wqkv.", "self_attn.in_proj_"), ("self_attn.MHA.", "self_attn.")];

/// What wraps a whole model.
const AROUND: [&str; 4] = ["model_state_dict.", "state_dict.", "model.", "module."];

/// The name that a tensor has here. Rows of `Wqkv` are queries, keys and values, as those of `in_proj`.
pub(super) fn rename(name: &str) -> String {
    let mut inner = name;
    while let Some(rest) = AROUND.iter().find_map(|prefix| inner.strip_prefix(prefix)) {
        inner = rest;
    }
    TABLE.iter().fold(inner.to_owned(), |name, (old, new)| name.replace(old, new))
}

#[cfg(test)]
mod tests {
    use super::rename;

    #[test]
    fn names_of_flash_attention_and_of_wrappers() {
        let layer = "transformer_encoder.layers.3";
        for (old, new) in [
            ("self_attn.Wqkv.weight", "self_attn.in_proj_weight"),
            ("self_attn._impl.Wqkv.bias", "self_attn.in_proj_bias"),
            ("self_attn.in_proj_weight", "self_attn.in_proj_weight"),
            ("self_attn.out_proj.bias", "self_attn.out_proj.bias"),
            ("norm1.weight", "norm1.weight"),
        ] {
            assert_eq!(rename(&format!("{layer}.{old}")), format!("{layer}.{new}"));
        }
        assert_eq!(rename("model_state_dict.module.decoder.fc.0.bias"), "decoder.fc.0.bias");
    }
}
