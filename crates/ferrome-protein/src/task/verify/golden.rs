use serde::Deserialize;

use crate::{Error, Result};

/// What was published.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Logits over the 33 tokens.
    Logits,
    /// The last representation.
    Representation,
}

impl What {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Logits => "logits",
            Self::Representation => "representation",
        }
    }
}

/// Numbers that a model should compute for one sequence alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The model, by its name in the registry.
    #[serde(default)]
    pub model: String,
    /// What the numbers are.
    pub what: What,
    /// The input as tokens, whatever they are: there is a row for each.
    pub tokens: Option<Vec<u8>>,
    /// The input as residues: there is a row for each of them, and none for `<cls>` and `<eos>`.
    pub sequence: Option<String>,
    /// The first columns of the first rows.
    pub expected: Vec<Vec<f32>>,
    /// What a number may differ by.
    pub absolute: f32,
    /// And by this share of itself.
    pub relative: f32,
    /// Who published it.
    pub source: String,
}

impl Golden {
    /// The input, for people.
    #[must_use]
    pub fn input(&self) -> String {
        match (&self.sequence, &self.tokens) {
            (Some(sequence), _) => sequence.clone(),
            (None, tokens) => {
                let tokens = tokens.iter().flatten().map(ToString::to_string);
                format!("tokens {}", tokens.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// What was published for a model of the registry.
#[must_use]
pub fn published(model: &str) -> Vec<Golden> {
    let all = parse(include_str!("goldens.json"), "goldens.json").unwrap_or_default();
    all.into_iter().filter(|golden| golden.model == model).collect()
}

/// Reads goldens in JSON.
///
/// # Errors
///
/// The text is not a list of goldens, or a list of none.
pub fn parse(text: &str, source_name: &str) -> Result<Vec<Golden>> {
    let wrong = |reason: String| Error::Config { source_name: source_name.to_owned(), reason };
    let goldens: Vec<Golden> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if goldens.iter().all(|golden| golden.expected.iter().all(Vec::is_empty)) {
        return Err(wrong("has no expected numbers".to_owned()));
    }
    Ok(goldens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goldens_are_read_and_belong_to_models_of_the_registry() {
        let all = parse(include_str!("goldens.json"), "goldens.json").unwrap();
        assert_eq!(all.len(), 6);
        for golden in all {
            assert!(ferrome_core::weights::registered(&golden.model).is_some(), "{}", golden.model);
            assert!(golden.tokens.is_some() != golden.sequence.is_some());
        }
        assert_eq!(published("esm2_t6_8M_UR50D").len(), 2);
        assert!(published("esm2_t48_15B_UR50D").is_empty());
    }

    #[test]
    fn goldens_that_are_none() {
        let refused = |text: &str| parse(text, "mine.json").unwrap_err().to_string();
        assert_eq!(refused("[]"), "mine.json: has no expected numbers");
        assert!(refused("{}").starts_with("mine.json: invalid type: map"), "{}", refused("{}"));
    }
}
