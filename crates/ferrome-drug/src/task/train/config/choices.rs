use serde::{Deserialize, Serialize};

/// What the values are called.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelConfig {
    /// Such as `pKd`.
    pub name: String,
    /// Such as `-log10(M)`.
    pub unit: String,
    /// Values of at least this count as interactions, where pairs have no label.
    pub positive_from: Option<f64>,
}

/// What a step sees; every drug and protein of a step is encoded once.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchesConfig {
    /// All training pairs between so many drugs (0: all of them) …
    pub drugs: usize,
    /// … and so many proteins (0: all of them).
    pub proteins: usize,
    /// So many pairs, whatever drugs and proteins they have; for sets where most drugs have few targets. 0: blocks.
    pub pairs: usize,
}

/// How affinities are compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean squared error.
    Mse,
    /// Likelihood of a normal distribution with the predicted variance.
    Gaussian,
}

/// How weights are stored; they are computed with in f32.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// As they were trained.
    F32,
    /// Rounded to eleven bits, in half of the space.
    F16,
}

impl Store {
    pub(in crate::task::train) fn kind(self) -> tch::Kind {
        match self {
            Self::F32 => tch::Kind::Float,
            Self::F16 => tch::Kind::Half,
        }
    }
}

impl Default for LabelConfig {
    fn default() -> Self {
        Self { name: "affinity".into(), unit: "as in the data".into(), positive_from: None }
    }
}

impl Default for BatchesConfig {
    fn default() -> Self {
        Self { drugs: 0, proteins: 64, pairs: 0 }
    }
}
