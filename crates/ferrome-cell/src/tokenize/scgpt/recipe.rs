use std::collections::HashMap;
use std::path::Path as FilePath;

use ferrome_core::journal::write_whole;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use super::{Options, Panel, Path, ScGpt};
use crate::normalize::Normalization;
use crate::tokenize::binning::{Binning, Draw};
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// The file beside the weights.
const FILE: &str = "tokens.json";

/// How cells became the tokens that a model was trained on, kept beside it, so that others become tokens in the same way.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The value of `<cls>`.
    pub cls_value: f32,
    /// Whether genes without counts are tokens with the value 0.
    pub zero_genes: bool,
    /// Bins, the one for zero included; none where values are not binned.
    pub bins: Option<u16>,
    /// Whether equal values get a bin by chance.
    pub sampled: bool,
    /// The total that every cell gets.
    pub target_sum: Option<f32>,
    /// Whether the logarithm of one more is taken.
    pub log1p: bool,
    /// The most tokens of a cell.
    pub max_length: usize,
    /// Where chance begins.
    pub seed: u64,
    /// The genes, by their keys in the vocabulary, where not all of them became tokens.
    pub genes: Option<Vec<String>>,
}

impl Recipe {
    /// What ferrome wrote beside tokens; the published options of zero-shot where it wrote nothing. `seen` are the genes of the cells.
    #[must_use]
    pub fn of(metadata: &HashMap<String, String>, seen: impl FnOnce() -> Vec<String>) -> Self {
        let given = |key: &str| metadata.get(&format!("ferrome.{key}")).map(String::as_str);
        let zero_shot = Options::of(Path::ZeroShot);
        let binning = given("binning");
        let bins = binning.map_or(zero_shot.binning.map(|binning| binning.bins), |text| {
            text.split_once(' ').and_then(|(bins, _)| bins.parse().ok())
        });
        let chosen = [given("min_counts").unwrap_or("0") != "0", given("variable_genes").unwrap_or("none") != "none"];
        Self {
            cls_value: given("cls_value").and_then(|value| value.parse().ok()).unwrap_or(zero_shot.cls_value),
            zero_genes: given("zero_genes") == Some("true"),
            bins,
            sampled: binning.is_some_and(|text| text.ends_with("sampled")),
            target_sum: given("target_sum").and_then(|value| value.parse().ok()),
            log1p: given("log1p") == Some("true"),
            max_length: given("max_length").and_then(|value| value.parse().ok()).unwrap_or(zero_shot.max_length),
            seed: given("seed").and_then(|value| value.parse().ok()).unwrap_or(zero_shot.seed),
            genes: chosen.contains(&true).then(seen),
        }
    }

    /// The options of a tokenizer, without its choice of genes.
    #[must_use]
    pub fn options(&self) -> Options {
        let draw = if self.sampled { Draw::Uniform } else { Draw::Middle };
        Options {
            cls_value: self.cls_value,
            normalization: Normalization { target: self.target_sum, log1p: self.log1p },
            binning: self.bins.map(|bins| Binning { bins, draw }),
            zero_genes: self.zero_genes,
            max_length: self.max_length,
            seed: self.seed,
            ..Options::of(Path::ZeroShot)
        }
    }

    /// Keeps of a tokenizer's genes those of the recipe.
    #[must_use]
    pub fn choose(&self, tokenizer: ScGpt, vocabulary: &Vocabulary) -> ScGpt {
        let Some(genes) = &self.genes else { return tokenizer };
        let genes: HashSet<&str> = genes.iter().map(String::as_str).collect();
        let slots = tokenizer.slots().genes();
        let has =
            |gene: u32| vocabulary.genes().get(gene as usize).is_some_and(|gene| genes.contains(gene.id.as_str()));
        let chosen: Vec<usize> =
            (0..slots.len()).filter(|&slot| slots.get(slot).is_some_and(|&gene| has(gene))).collect();
        let panel = Panel::all(slots.len()).choose(chosen);
        tokenizer.with_panel(panel)
    }

    /// What differs from `other` in the values that tokens have; nothing is said of genes, of which each matrix has its own.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let bins = |recipe: &Self| recipe.bins.map_or_else(|| "none".to_owned(), |bins| bins.to_string());
        let total = |recipe: &Self| recipe.target_sum.map_or_else(|| "none".to_owned(), |sum| sum.to_string());
        let mut pairs = vec![
            ("`<cls>` has the value", self.cls_value.to_string(), other.cls_value.to_string()),
            ("the number of bins is", bins(self), bins(other)),
            ("genes without counts are tokens:", self.zero_genes.to_string(), other.zero_genes.to_string()),
        ];
        // Bins are of ranks within a cell, which its total and logarithms do not change.
        if self.bins.is_none() && other.bins.is_none() {
            pairs.push(("each cell's total is", total(self), total(other)));
            pairs.push(("logarithms are taken:", self.log1p.to_string(), other.log1p.to_string()));
        }
        let differs = pairs.into_iter().find(|(_, this, that)| this != that);
        differs.map(|(what, this, that)| format!("{what} {this}, and it was {that} in training"))
    }

    /// The recipe in a model's folder, where there is one.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn open(folder: &FilePath) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let json = fs_err::read_to_string(&path)?;
        serde_json::from_str(&json).map(Some).map_err(|e| Error::file(&path, e.to_string()))
    }

    /// Writes it into a model's folder.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, folder: &FilePath) -> Result<()> {
        let json = serde_json::to_string(self).map_err(std::io::Error::from)?;
        Ok(write_whole(&folder.join(FILE), json + "\n")?)
    }
}

#[cfg(test)]
mod tests {
    use ferrome_core::journal::RunDescription;

    use super::*;

    #[test]
    fn options_are_read_off_what_is_written_beside_tokens() {
        for path in [Path::ZeroShot, Path::FineTune] {
            let mut options = Options::of(path);
            (options.zero_genes, options.seed) = (true, 7);
            let mut description = RunDescription::new();
            options.describe(&mut description);
            let recipe = Recipe::of(&description.metadata().collect(), || vec!["TP53".to_owned()]);
            // Which genes are left out is in the list, not in the options.
            assert_eq!(recipe.genes.is_some(), options.min_counts > 0);
            assert_eq!(recipe.options(), Options { min_counts: 0, ..options });
            assert_eq!(recipe.difference(&recipe), None);
        }
        let bare = Recipe::of(&HashMap::new(), Vec::new);
        assert_eq!(bare.options(), Options::of(Path::ZeroShot));
        let fine_tuned = Recipe { cls_value: 0.0, ..bare.clone() };
        assert_eq!(bare.difference(&fine_tuned).as_deref(), Some("`<cls>` has the value -2, and it was 0 in training"));
        let counts = Recipe { bins: None, target_sum: None, log1p: false, ..bare.clone() };
        let logarithms = Recipe { log1p: true, ..counts.clone() };
        let told = "logarithms are taken: false, and it was true in training";
        assert_eq!(counts.difference(&logarithms).as_deref(), Some(told));
        assert_eq!(bare.difference(&Recipe { log1p: true, ..bare.clone() }), None, "bins stay the same");
    }
}
