use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Calibration;
use crate::model::PairConfig;
use crate::molecule::FINGERPRINT_BITS;
use crate::{Error, Result};

/// The `config.json` of a drug-target model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Says what the folder holds.
    pub ferrome: ModelKind,
    /// What is predicted.
    pub label: Label,
    /// What the model was trained for.
    pub objective: Objective,
    /// Whether the predicted variance was trained; without, the spread of the members is all the uncertainty there is.
    #[serde(default)]
    pub variance: bool,
    /// The architecture, the same for every member.
    pub model: PairConfig,
    /// Models whose predictions are averaged.
    pub members: usize,
    /// The fingerprints whose bits stand one after another in the model's table.
    #[serde(default)]
    pub fingerprints: Vec<FingerprintKind>,
    /// What stands, one after another, in a protein's row of numbers.
    #[serde(default)]
    pub protein_rows: Vec<RowKind>,
    /// What the validation pairs said of the uncertainty.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// Data with fingerprints, seed, split, version: for people.
    #[serde(default)]
    pub trained: BTreeMap<String, String>,
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ModelKind {
    /// A [`CheckpointConfig`] and its files.
    #[default]
    #[serde(rename = "drug-target")]
    DrugTarget,
}

/// The predicted quantity: label = prediction * scale + center.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Such as `pKd`.
    pub name: String,
    /// Such as `-log10(M)`.
    pub unit: String,
    /// The mean of the training labels.
    pub center: f64,
    /// Their standard deviation.
    pub scale: f64,
}

/// What a model was trained for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Affinity.
    Regression,
    /// Whether drug and target interact.
    Classification,
    /// Both.
    Both,
}

impl Objective {
    /// Whether the score is an affinity rather than a probability.
    #[must_use]
    pub fn has_affinity(self) -> bool {
        self != Self::Classification
    }

    /// Whether there is a probability of interaction.
    #[must_use]
    pub fn has_probability(self) -> bool {
        self != Self::Regression
    }
}

/// A fingerprint of 2,048 bits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FingerprintKind {
    /// Of atoms and their surroundings, see [`crate::molecule::MolSource::ecfp4`].
    Ecfp4,
    /// Of pharmacophore classes, see [`crate::molecule::MolSource::fcfp4`].
    Fcfp4,
}

/// Numbers of a protein.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum RowKind {
    /// Cosine between its counts of pieces of `k` residues and those of each reference.
    Kmer {
        /// Residues of a piece.
        k: usize,
    },
    /// Score of its local alignment with each reference over the root of both scores with themselves.
    SmithWaterman,
    /// Its row in a table of embeddings.
    Table {
        /// Numbers of a row.
        width: usize,
    },
}

impl CheckpointConfig {
    /// Reads `text`, the content of the file at `path`.
    ///
    /// # Errors
    ///
    /// The file describes another kind of model, or contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |error: serde_json::Error| Error::file(path, format!("not a model configuration: {error}"));
        let value: Value = serde_json::from_str(text).map_err(wrong)?;
        if value.get("ferrome").and_then(Value::as_str) != Some("drug-target") {
            let named = ["ferrome", "model_type"].iter().find_map(|key| value.get(key)?.as_str());
            let found =
                named.map_or_else(|| "another configuration".to_owned(), |name| format!("one of kind `{name}`"));
            return Err(Error::file(path, format!("expected a model of kind `drug-target`, found {found}")));
        }
        let config: Self = serde_json::from_value(value).map_err(wrong)?;
        config.check().map_err(|reason| Error::file(path, reason))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.members == 0 {
            return Err("`members` is 0, expected at least 1".into());
        }
        let numbers = [self.label.center, self.label.scale];
        if !numbers.iter().all(|number| number.is_finite()) || self.label.scale <= 0.0 {
            return Err(format!("label: center {} and scale {}, expected a scale above 0", numbers[0], numbers[1]));
        }
        let bits = self.model.fingerprints.as_ref().map_or(0, |config| config.bits);
        let expected = (self.fingerprints.len() * FINGERPRINT_BITS) as i64;
        if bits != expected {
            return Err(format!(
                "model.fingerprints.bits is {bits}, expected {expected} for {} fingerprints",
                self.fingerprints.len()
            ));
        }
        if self.model.protein_rows.is_some() == self.protein_rows.is_empty() {
            return Err("`protein_rows` and `model.protein_rows` must both be there, or neither".into());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{FingerprintConfig, HeadConfig, RowsConfig};

    /// A small model without graphs over `references` proteins.
    pub(crate) fn small(references: i64) -> CheckpointConfig {
        CheckpointConfig {
            ferrome: ModelKind::DrugTarget,
            label: Label { name: "pKd".into(), unit: "-log10(M)".into(), center: 5.5, scale: 0.9 },
            objective: Objective::Regression,
            variance: true,
            model: PairConfig {
                graph: None,
                fingerprints: Some(FingerprintConfig { bits: 2048, hidden: vec![16, 8], dropout: 0.0 }),
                protein_rows: Some(RowsConfig {
                    width: references,
                    standardized: false,
                    hidden: vec![8],
                    dropout: 0.0,
                }),
                convolution: None,
                head: HeadConfig::Bilinear { rank: 4 },
            },
            members: 2,
            fingerprints: vec![FingerprintKind::Ecfp4],
            protein_rows: vec![RowKind::Kmer { k: 3 }],
            calibration: None,
            trained: BTreeMap::new(),
        }
    }

    fn refused(text: &str) -> String {
        CheckpointConfig::parse(text, Path::new("m/config.json")).unwrap_err().to_string()
    }

    #[test]
    fn configuration_survives_writing() {
        let config = small(3);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(CheckpointConfig::parse(&text, Path::new("x")).unwrap(), config);
        assert!(text.contains(r#""protein_rows":[{"kind":"kmer","k":3}]"#), "{text}");
    }

    #[test]
    fn other_kinds_of_model_are_told() {
        assert_eq!(
            refused(r#"{"model_type": "esm", "hidden_size": 3}"#),
            "m/config.json: expected a model of kind `drug-target`, found one of kind `esm`"
        );
        assert_eq!(
            refused(r#"{"vocab": 3}"#),
            "m/config.json: expected a model of kind `drug-target`, found another configuration"
        );
    }

    #[test]
    fn contradictions_are_told() {
        let changed = |change: fn(&mut CheckpointConfig)| {
            let mut config = small(3);
            change(&mut config);
            refused(&serde_json::to_string(&config).unwrap())
        };
        assert_eq!(changed(|c| c.members = 0), "m/config.json: `members` is 0, expected at least 1");
        assert_eq!(
            changed(|c| c.label.scale = 0.0),
            "m/config.json: label: center 5.5 and scale 0, expected a scale above 0"
        );
        assert_eq!(
            changed(|c| c.fingerprints.push(FingerprintKind::Fcfp4)),
            "m/config.json: model.fingerprints.bits is 2048, expected 4096 for 2 fingerprints"
        );
        assert_eq!(
            changed(|c| c.protein_rows.clear()),
            "m/config.json: `protein_rows` and `model.protein_rows` must both be there, or neither"
        );
    }
}
