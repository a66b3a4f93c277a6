use serde::{Deserialize, Serialize};

/// What is learnt.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Hidden genes from the others of the cell.
    Mlm,
    /// Classes of cells or of genes.
    #[default]
    Classify,
}

/// What a class counts in the loss.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every item counts the same.
    #[default]
    None,
    /// Every class counts the same: items / (classes * items of the class).
    Balanced,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// Four bytes a number.
    #[default]
    F32,
    /// Two bytes a number.
    F16,
}

/// Low-rank adaptation (Hu et al., arXiv:2106.09685): `W + alpha / rank * B A` with small matrices `A`, normal, and `B`, 0
/// at the start. At the end the product is added to `W`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lora {
    /// Rows of `A`.
    pub rank: i64,
    /// Twice the rank without it.
    pub alpha: Option<f64>,
    /// The matrices that are adapted.
    pub targets: Vec<Matrix>,
}

/// A matrix of a block.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// To the queries of attention.
    Query,
    /// To its keys.
    Key,
    /// To its values.
    Value,
    /// From what was attended to.
    AttentionOutput,
    /// Into the feed-forward layer.
    Intermediate,
    /// Out of it.
    Output,
}

impl Default for Lora {
    fn default() -> Self {
        Self { rank: 8, alpha: None, targets: vec![Matrix::Query, Matrix::Value] }
    }
}

impl Lora {
    /// What the product is multiplied by.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.alpha.map_or(2.0, |alpha| alpha / self.rank as f64)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.rank < 1 {
            return Err(format!("lora: rank is {}, expected 1 or more", self.rank));
        }
        if self.targets.is_empty() {
            return Err(
                "lora: targets is empty, expected query, key, value, attention-output, intermediate or output".into()
            );
        }
        Ok(())
    }
}

impl std::str::FromStr for Matrix {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        serde_json::from_value(name.into()).map_err(|_| {
            format!("unknown matrix `{name}`: expected query, key, value, attention-output, intermediate or output")
        })
    }
}
