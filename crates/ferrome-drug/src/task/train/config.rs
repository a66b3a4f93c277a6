mod choices;
mod variant;

use std::path::Path;

use ferrome_core::train::{AdamWOptions, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{DataConfig, SplitConfig};
use crate::{
    Error, Result,
    checkpoint::{FingerprintKind, Objective, RowKind},
    featurize::{ATOM_SIZES, BOND_SIZES},
    model::PairConfig,
    molecule::FINGERPRINT_BITS,
};

pub use choices::{BatchesConfig, LabelConfig, Loss, Store};

/// What to train on and how: the JSON of `ferrome drug train`. Everything but `data` and `model` has a default.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Where pairs, drugs and proteins stand.
    pub data: DataConfig,
    /// Which pairs are trained on, choose the epoch, and are only ever tested on.
    pub split: SplitConfig,
    /// What the values are called.
    pub label: LabelConfig,
    /// What is predicted.
    pub objective: Objective,
    /// Fingerprints of the drugs, one after another.
    pub fingerprints: Vec<FingerprintKind>,
    /// Rows of numbers of the proteins, one after another.
    pub protein_rows: Vec<RowKind>,
    /// A [`PairConfig`] without what follows from the data: `node_sizes`, `edge_sizes`, `bits`, `width`.
    pub model: Value,
    /// What a step sees.
    pub batches: BatchesConfig,
    /// How affinities are compared.
    pub loss: Loss,
    /// Weight of the likelihood of the predicted variance beside [`Loss::Mse`]; 0 trains no variance.
    pub variance_weight: f64,
    /// Most passes over the training pairs.
    pub epochs: u64,
    /// Stop when so many passes have not bettered the validation pairs; 0 for never.
    pub patience: u64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Epochs until it is reached.
    pub warmup_epochs: f64,
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
    /// Whether the model is trained anew on training and validation pairs, for as many epochs as were best.
    pub refit: bool,
    /// Whether every epoch is measured on the test pairs too, which never choose anything.
    pub watch_test: bool,
    /// How weights are stored.
    pub store: Store,
    /// Models whose predictions are averaged; of each entry of `members`, where there are any.
    pub ensemble: usize,
    /// Members that are not all alike: for each the keys that it changes, such as `model` and `batches`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Map<String, Value>>,
    /// A second model for the folder `fast`: the keys that it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast: Option<Map<String, Value>>,
    /// Seed of everything random; member `i` has `seed + i` where it does not name its own.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            data: DataConfig::default(),
            split: SplitConfig::default(),
            label: LabelConfig::default(),
            objective: Objective::Regression,
            fingerprints: vec![FingerprintKind::Ecfp4, FingerprintKind::Fcfp4],
            protein_rows: vec![RowKind::Kmer { k: 3 }],
            model: Value::Null,
            batches: BatchesConfig::default(),
            loss: Loss::Mse,
            variance_weight: 0.1,
            epochs: 200,
            patience: 0,
            learning_rate: 1e-3,
            warmup_epochs: 2.0,
            final_share: 0.01,
            weight_decay: 0.01,
            clip: 5.0,
            beta1: 0.9,
            beta2: 0.999,
            refit: false,
            watch_test: false,
            store: Store::F32,
            ensemble: 1,
            members: Vec::new(),
            fast: None,
            seed: 1,
        }
    }
}

/// Parts of an epoch that the learning rate tells apart.
pub(super) const TICKS: u64 = 1000;

impl TrainConfig {
    /// Reads the JSON of the file at `path`; its own paths are taken from the folder of that file.
    ///
    /// # Errors
    ///
    /// Names a key that is unknown, of another type, out of range or missing.
    ///
    /// ```
    /// use ferrome_drug::task::train::TrainConfig;
    /// let refused = TrainConfig::parse(r#"{"epoch": 10}"#, "c.json".as_ref()).unwrap_err().to_string();
    /// assert!(refused.starts_with("c.json: unknown field `epoch`, expected one of `data`, `split`, "), "{refused}");
    /// ```
    pub fn parse(json: &str, path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::file(path, reason);
        let mut config: Self = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data.locate(folder);
        config.split.locate(folder);
        config.check().map_err(wrong)?;
        config.check_variants().map_err(wrong)?;
        Ok(config)
    }

    /// The model, with what follows from the data; `width` is that of the proteins' rows.
    ///
    /// # Errors
    ///
    /// `model` is not what a [`PairConfig`] looks like, or contradicts `fingerprints` or `protein_rows`.
    pub fn pair_config(&self, width: usize) -> Result<PairConfig> {
        let mut model = self.model.clone();
        let bits = FINGERPRINT_BITS * self.fingerprints.len();
        let follows = [
            ("graph", "node_sizes", json!(ATOM_SIZES)),
            ("graph", "edge_sizes", json!(BOND_SIZES)),
            ("fingerprints", "bits", json!(bits)),
            ("protein_rows", "width", json!(width)),
        ];
        for (part, key, value) in follows {
            if let Some(part) = model.get_mut(part).and_then(Value::as_object_mut) {
                part.insert(key.to_owned(), value);
            }
        }
        serde_json::from_value(model).map_err(|e| Error::Model(format!("`model`: {e}")))
    }

    /// Whether a variance is trained.
    #[must_use]
    pub fn has_variance(&self) -> bool {
        self.objective.has_affinity() && (self.loss == Loss::Gaussian || self.variance_weight > 0.0)
    }

    /// The learning rate, in [`TICKS`] for an epoch.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule {
            peak: self.learning_rate,
            warmup: (self.warmup_epochs * TICKS as f64) as u64,
            steps: self.epochs * TICKS,
            floor: self.final_share,
        }
    }

    pub(super) fn optimiser(&self) -> AdamWOptions {
        let (beta1, beta2) = (self.beta1, self.beta2);
        AdamWOptions { beta1, beta2, eps: 1e-8, weight_decay: self.weight_decay, clip: self.clip }
    }

    fn check(&self) -> Result<(), String> {
        self.data.check(self.objective, self.label.positive_from.is_some())?;
        self.split.check(&self.data)?;
        if !self.model.is_object() {
            return Err("`model` is missing: expected an object with `graph` or `fingerprints`, `protein_rows` or \
                        `convolution`, and `head`"
                .into());
        }
        for (part, there) in
            [("fingerprints", !self.fingerprints.is_empty()), ("protein_rows", !self.protein_rows.is_empty())]
        {
            if self.model.get(part).is_some() && !there {
                return Err(format!("`model.{part}` needs `{part}`, which is empty"));
            }
        }
        if self.epochs == 0 || self.ensemble == 0 {
            return Err("epochs and ensemble must be at least 1".into());
        }
        let positive = [("learning_rate", self.learning_rate), ("clip", self.clip)];
        if let Some((name, value)) = positive.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return Err(format!("{name} is {value}, expected more than 0"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<TrainConfig, String> {
        TrainConfig::parse(json, Path::new("dir/c.json")).map_err(|e| e.to_string())
    }

    const DATA: &str = r#""data": {"pairs": "p.tsv", "drug": "drug", "protein": "protein", "value": "y"}"#;

    #[test]
    fn paths_are_those_beside_the_configuration() {
        let config = parse(&format!(r#"{{{DATA}, "model": {{"head": {{"kind": "bilinear", "rank": 4}}}}}}"#)).unwrap();
        assert_eq!(config.data.pairs.as_deref(), Some(Path::new("dir/p.tsv")));
        assert_eq!((config.epochs, config.batches.proteins), (200, 64));
    }

    #[test]
    fn what_follows_from_the_data_is_filled_in() {
        let json = format!(
            r#"{{{DATA}, "fingerprints": ["ecfp4"], "model": {{"fingerprints": {{"hidden": [8]}},
               "protein_rows": {{"hidden": [8]}}, "head": {{"kind": "bilinear", "rank": 4}}}}}}"#
        );
        let model = parse(&json).unwrap().pair_config(17).unwrap();
        assert_eq!(model.fingerprints.unwrap().bits, 2048);
        assert_eq!(model.protein_rows.unwrap().width, 17);
    }

    #[test]
    fn bad_configurations() {
        let with = |rest: &str| parse(&format!("{{{DATA}, {rest}}}")).unwrap_err();
        assert_eq!(parse("{}").unwrap_err(), "dir/c.json: `data.pairs` is missing: the table of pairs");
        assert_eq!(
            with(r#""epochs": 3"#),
            "dir/c.json: `model` is missing: expected an object with `graph` or `fingerprints`, `protein_rows` or \
             `convolution`, and `head`"
        );
        assert_eq!(
            with(r#""model": {"fingerprints": {}}, "fingerprints": []"#),
            "dir/c.json: `model.fingerprints` needs `fingerprints`, which is empty"
        );
        assert_eq!(with(r#""model": {}, "epochs": 0"#), "dir/c.json: epochs and ensemble must be at least 1");
        assert_eq!(with(r#""model": {}, "clip": 0"#), "dir/c.json: clip is 0, expected more than 0");
    }
}
