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
    /// The architecture of the first member, and of all others where these have none of their own.
    pub model: PairConfig,
    /// Models whose predictions are averaged.
    pub members: usize,
    /// The architectures of the members after the first, where they are not all alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<PairConfig>,
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

    /// The architecture of a member, from 0.
    #[must_use]
    pub fn architecture(&self, member: usize) -> &PairConfig {
        member.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.model)
    }

    /// The architectures that there are among the members.
    #[must_use]
    pub fn architectures(&self) -> Vec<&PairConfig> {
        std::iter::once(&self.model).chain(&self.others).collect()
    }

    /// Whether a member looks at graphs.
    #[must_use]
    pub fn has_graphs(&self) -> bool {
        self.architectures().iter().any(|model| model.graph.is_some())
    }

    /// Numbers in the row of a protein; `None` where no member looks at one.
    #[must_use]
    pub fn row_width(&self) -> Option<i64> {
        self.architectures().iter().find_map(|model| model.protein_rows.as_ref()).map(|rows| rows.width)
    }

    fn check(&self) -> Result<(), String> {
        if self.members == 0 {
            return Err("`members` is 0, expected at least 1".into());
        }
        if !self.others.is_empty() && self.others.len() + 1 != self.members {
            return Err(format!("{} `others` beside the first of {} members", self.others.len(), self.members));
        }
        let numbers = [self.label.center, self.label.scale];
        if !numbers.iter().all(|number| number.is_finite()) || self.label.scale <= 0.0 {
            return Err(format!("label: center {} and scale {}, expected a scale above 0", numbers[0], numbers[1]));
        }
        self.check_inputs()
    }

    /// Members look at the same fingerprints, rows and positions, or at none.
    fn check_inputs(&self) -> Result<(), String> {
        let models = self.architectures();
        let expected = (self.fingerprints.len() * FINGERPRINT_BITS) as i64;
        let found: Vec<i64> = models.iter().filter_map(|model| Some(model.fingerprints.as_ref()?.bits)).collect();
        let none = if found.is_empty() && expected > 0 { Some(0) } else { None };
        if let Some(bits) = found.iter().copied().find(|&bits| bits != expected).or(none) {
            return Err(format!(
                "model.fingerprints.bits is {bits}, expected {expected} for {} fingerprints",
                self.fingerprints.len()
            ));
        }
        if self.row_width().is_some() == self.protein_rows.is_empty() {
            return Err("`protein_rows` and `model.protein_rows` must both be there, or neither".into());
        }
        let mut widths = models.iter().filter_map(|model| Some(model.protein_rows.as_ref()?.width));
        let mut positions = models.iter().filter_map(|model| {
            let graph = model.graph.as_ref()?;
            Some((graph.random_walk_steps, graph.laplacian))
        });
        let (width, position) = (widths.next(), positions.next());
        if widths.any(|other| Some(other) != width) || positions.any(|other| Some(other) != position) {
            return Err("members look at protein rows of different widths, or at different positions of atoms".into());
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
            others: Vec::new(),
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
    fn members_that_do_not_fit_together_are_told() {
        let with = |change: &dyn Fn(&mut CheckpointConfig)| {
            let mut config = small(3);
            config.others = vec![config.model.clone()];
            change(&mut config);
            let text = serde_json::to_string(&config).unwrap();
            CheckpointConfig::parse(&text, Path::new("c.json")).map_err(|error| error.to_string())
        };
        assert!(with(&|_| ()).is_ok());
        // A member need not look at everything.
        assert!(with(&|config| config.others[0].protein_rows = None).is_ok());
        assert_eq!(with(&|config| config.members = 3).unwrap_err(), "c.json: 1 `others` beside the first of 3 members");
        assert_eq!(
            with(&|config| config.others[0].protein_rows.as_mut().unwrap().width = 4).unwrap_err(),
            "c.json: members look at protein rows of different widths, or at different positions of atoms"
        );
        assert_eq!(
            with(&|config| config.others[0].fingerprints.as_mut().unwrap().bits = 4096).unwrap_err(),
            "c.json: model.fingerprints.bits is 4096, expected 2048 for 1 fingerprints"
        );
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
