use super::{Family, GeneformerConfig, scgpt};

/// The sizes of a model of either family.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// As its `config.json` says.
    Geneformer(GeneformerConfig),
    /// As its `args.json` and its tensors say.
    ScGpt(scgpt::Config),
}

impl Shape {
    /// Whose model it is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Geneformer(_) => Family::Geneformer,
            Self::ScGpt(_) => Family::ScGpt,
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        match self {
            Self::Geneformer(config) => config.num_hidden_layers,
            Self::ScGpt(config) => config.nlayers,
        }
    }

    /// Width of a vector, `d`.
    #[must_use]
    pub fn width(&self) -> i64 {
        match self {
            Self::Geneformer(config) => config.hidden_size,
            Self::ScGpt(config) => config.embsize,
        }
    }

    /// Width inside a feed-forward layer, `f`.
    #[must_use]
    pub fn feed_forward(&self) -> i64 {
        match self {
            Self::Geneformer(config) => config.intermediate_size,
            Self::ScGpt(config) => config.d_hid,
        }
    }

    /// Rows of the table of tokens.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        match self {
            Self::Geneformer(config) => config.vocab_size,
            Self::ScGpt(config) => config.ntoken,
        }
    }

    /// Share of the hidden numbers that is dropped in training.
    #[must_use]
    pub fn dropout(&self) -> f64 {
        match self {
            Self::Geneformer(config) => config.hidden_dropout_prob,
            Self::ScGpt(config) => config.dropout,
        }
    }

    /// Most tokens of a cell; `None` where there is no limit.
    #[must_use]
    pub fn positions(&self) -> Option<usize> {
        match self {
            Self::Geneformer(config) => usize::try_from(config.max_position_embeddings).ok(),
            Self::ScGpt(_) => None,
        }
    }
}
