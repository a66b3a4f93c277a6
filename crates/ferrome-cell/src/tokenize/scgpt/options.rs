use ferrome_core::journal::RunDescription;

use crate::hvg::Flavor;
use crate::normalize::Normalization;
use crate::tokenize::binning::{Binning, Draw};

/// Which of the two ways into the model.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Path {
    /// As for embeddings from a published model.
    #[default]
    ZeroShot,
    /// As for training.
    FineTune,
}

/// How many highly variable genes, and how they are found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Variable {
    /// How many are kept.
    pub genes: usize,
    /// How they are found.
    pub flavor: Flavor,
    /// The column of `obs` that names each cell's batch; without it all cells are one batch.
    pub batch: Option<String>,
}

/// Everything that changes scGPT's tokens, but for the genes.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The value of `<cls>`.
    pub cls_value: f32,
    /// What is done to counts before they are binned.
    pub normalization: Normalization,
    /// How values are binned; `None` leaves them.
    pub binning: Option<Binning>,
    /// Whether genes without counts are tokens with the value 0.
    pub zero_genes: bool,
    /// The most tokens of a cell, `<cls>` included; at least 1.
    pub max_length: usize,
    /// Where chance begins.
    pub seed: u64,
    /// Genes with fewer molecules over all cells are left out, also of the total of each cell.
    pub min_counts: u64,
    /// Which genes become tokens; all when `None`.
    pub variable: Option<Variable>,
}

impl Options {
    /// The published options of a path.
    #[must_use]
    pub fn of(path: Path) -> Self {
        let zero_shot = Self {
            cls_value: -2.0,
            normalization: Normalization::NONE,
            binning: Some(Binning::default()),
            zero_genes: false,
            max_length: 1200,
            seed: 0,
            min_counts: 0,
            variable: None,
        };
        match path {
            Path::ZeroShot => zero_shot,
            Path::FineTune => {
                Self { cls_value: 0.0, normalization: Normalization::LOG_10_000, min_counts: 3, ..zero_shot }
            }
        }
    }

    /// Whether the cells have to be read before the first one is tokenized.
    #[must_use]
    pub fn needs_survey(&self) -> bool {
        self.min_counts > 0 || self.variable.is_some()
    }

    pub(super) fn describe(&self, description: &mut RunDescription) {
        let none = || "none".to_owned();
        let binning = self.binning.map_or_else(none, |binning| match binning.draw {
            Draw::Middle => format!("{} bins, deterministic", binning.bins),
            Draw::Uniform => format!("{} bins, sampled", binning.bins),
        });
        let variable = self.variable.as_ref().map_or_else(none, |variable| {
            let batch = variable.batch.as_deref().map_or_else(String::new, |batch| format!(" over `{batch}`"));
            format!("{} by {}{batch}", variable.genes, variable.flavor)
        });
        let target = self.normalization.target.map_or_else(none, |target| target.to_string());
        description.set("cls_value", self.cls_value);
        description.set("target_sum", target);
        description.set("log1p", self.normalization.log1p);
        description.set("binning", binning);
        description.set("zero_genes", self.zero_genes);
        description.set("max_length", self.max_length);
        description.set("seed", self.seed);
        description.set("min_counts", self.min_counts);
        description.set("variable_genes", variable);
    }
}
