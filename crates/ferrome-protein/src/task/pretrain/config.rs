use ferrome_core::train::{AdamWOptions, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result, model::Config};

/// How to train: the keys of `--config` beside those of the model (as in its `config.json`); all have defaults.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct PretrainConfig {
    /// Steps of the optimiser.
    pub steps: u64,
    /// Tokens per step.
    pub batch_tokens: usize,
    /// Longer proteins are cut to a random piece of so many residues.
    pub max_length: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps until it is reached.
    pub warmup_steps: u64,
    /// Last learning rate, as a share of the highest.
    pub final_share: f64,
    /// Decay of matrices, times the learning rate.
    pub weight_decay: f64,
    /// Longest gradient.
    pub clip: f64,
    /// AdamW's first constant.
    pub beta1: f64,
    /// AdamW's second constant.
    pub beta2: f64,
    /// Share of residues that are hidden.
    pub mask_share: f64,
    /// Share of sequences held out, chosen by a hash of the sequence.
    pub held_out_share: f64,
    /// Most tokens of the held-out sequences that are evaluated.
    pub evaluate_tokens: usize,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// The model's shape.
    #[serde(skip_deserializing)]
    pub model: Option<Config>,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            steps: 10_000,
            batch_tokens: 8192,
            max_length: 512,
            learning_rate: 1e-3,
            warmup_steps: 500,
            final_share: 0.1,
            weight_decay: 0.01,
            clip: 1.0,
            beta1: 0.9,
            beta2: 0.98,
            mask_share: 0.15,
            held_out_share: 0.05,
            evaluate_tokens: 200_000,
            evaluate_every: 250,
            checkpoint_every: 250,
            seed: 1,
            model: None,
        }
    }
}

impl PretrainConfig {
    /// Reads the JSON of `--config`; `source` names it. Without `hidden_size` the model comes from a checkpoint.
    ///
    /// # Errors
    ///
    /// Names a key that is unknown, of another type, or out of range.
    ///
    /// ```
    /// use ferrome_protein::task::pretrain::PretrainConfig;
    /// let json = r#"{"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "steps": 10}"#;
    /// assert_eq!(PretrainConfig::parse(json, "c.json")?.model.map(|model| model.intermediate_size), Some(256));
    /// let refused = PretrainConfig::parse(r#"{"step": 10}"#, "c.json").unwrap_err();
    /// assert_eq!(refused.to_string(), "c.json: unknown key `step`; did you mean `steps`?");
    /// # Ok::<(), ferrome_protein::Error>(())
    /// ```
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::Config { source_name: source.to_owned(), reason };
        let value: Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let mut config: Self = serde_json::from_value(value.clone()).map_err(|e| wrong(e.to_string()))?;
        let given = value.as_object().ok_or_else(|| wrong("expected a JSON object".into()))?;
        if given.contains_key("hidden_size") {
            config.model = Some(model_of(given).map_err(wrong)?);
        }
        known_keys(given, &config).map_err(wrong)?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    /// The learning rate over the steps.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup_steps, steps: self.steps, floor: self.final_share }
    }

    /// The constants of the optimiser.
    #[must_use]
    pub fn optimiser(&self) -> AdamWOptions {
        let (beta1, beta2) = (self.beta1, self.beta2);
        AdamWOptions { beta1, beta2, eps: 1e-8, weight_decay: self.weight_decay, clip: self.clip }
    }

    fn check(&self) -> Result<(), String> {
        let shares = [("mask_share", self.mask_share, 1.0), ("held_out_share", self.held_out_share, 0.5)];
        for (name, share, most) in shares {
            if !(share > 0.0 && share < most) {
                return Err(format!("{name} is {share}, expected more than 0 and less than {most}"));
            }
        }
        if self.max_length == 0 || self.batch_tokens < self.max_length + 2 {
            return Err(format!(
                "batch_tokens is {}, expected at least max_length + 2 = {}",
                self.batch_tokens,
                self.max_length + 2
            ));
        }
        if self.steps == 0 || self.evaluate_every == 0 || self.checkpoint_every == 0 {
            return Err("steps, evaluate_every and checkpoint_every must be at least 1".into());
        }
        Ok(())
    }
}

// What the file does not say is as in ESM-2.
fn model_of(given: &serde_json::Map<String, Value>) -> Result<Config, String> {
    let number =
        |key: &str| given.get(key).and_then(Value::as_i64).ok_or(format!("`{key}` is missing or not a number"));
    let layers = usize::try_from(number("num_hidden_layers")?).map_err(|e| e.to_string())?;
    let esm2 = Config::esm2(layers, number("hidden_size")?, number("num_attention_heads")?);
    let Ok(Value::Object(mut full)) = serde_json::to_value(&esm2) else { return Err("not a model".into()) };
    for (key, value) in given {
        if let Some(slot) = full.get_mut(key) {
            *slot = value.clone();
        }
    }
    full.insert("model_type".into(), "esm".into());
    Config::parse(&Value::Object(full).to_string(), "").map_err(|e| e.to_string().trim_start_matches(": ").to_owned())
}

// A published `config.json` (it has `model_type`) carries many keys that say nothing here; in one, only what looks like a
// misspelt key of ours is refused.
fn known_keys(given: &serde_json::Map<String, Value>, config: &PretrainConfig) -> Result<(), String> {
    let keys = |value: Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let training = keys(serde_json::to_value(config).unwrap_or_default());
    let model = keys(serde_json::to_value(Config::esm2(1, 2, 1)).unwrap_or_default());
    let known: Vec<&str> = training.iter().chain(&model).map(String::as_str).collect();
    let published = given.contains_key("model_type");
    for unknown in given.keys().filter(|key| *key != "model_type" && !known.contains(&key.as_str())) {
        let nearest = known.iter().min_by_key(|key| distance(key, unknown)).copied().unwrap_or_default();
        if !published || distance(nearest, unknown) <= 2 {
            return Err(format!("unknown key `{unknown}`; did you mean `{nearest}`?"));
        }
    }
    Ok(())
}

// Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let best = (corner + usize::from(x != y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
