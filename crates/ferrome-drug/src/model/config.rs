use serde::{Deserialize, Serialize};

/// The graph transformer's `config.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GraphConfig {
    /// Values of each categorical feature of a node.
    pub node_sizes: Vec<i64>,
    /// Values of each categorical feature of an edge.
    pub edge_sizes: Vec<i64>,
    /// Width `d` of nodes and edges.
    pub hidden_size: i64,
    /// Heads of the attention.
    pub num_attention_heads: i64,
    /// Steps of the random-walk encoding; 0 for none.
    #[serde(default)]
    pub random_walk_steps: i64,
    /// Whether there is a Laplacian encoding.
    #[serde(default)]
    pub laplacian: bool,
    /// Width of each positional encoding; they stand beside the features, which get the rest of `d`.
    #[serde(default)]
    pub position_size: i64,
    /// What layers there are.
    pub layers: LayerPlan,
    /// How messages pass.
    pub message: MessageKind,
    /// How nodes attend to each other.
    #[serde(default)]
    pub attention: AttentionConfig,
    /// What follows every residual.
    pub norm: NormKind,
    /// Share of activations dropped in training.
    #[serde(default)]
    pub dropout: f64,
    /// Share of attention weights dropped in training.
    #[serde(default)]
    pub attention_dropout: f64,
    /// How the nodes of a graph become one vector.
    pub pooling: Pooling,
}

/// The arrangements of message passing and attention in the literature.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "arrangement", deny_unknown_fields)]
pub enum LayerPlan {
    /// All of the attention after all of the message passing (GraphTrans, Wu et al. 2021).
    OnTop {
        /// Layers of message passing.
        message: usize,
        /// Layers of attention.
        attention: usize,
    },
    /// A layer of message passing, one of attention, and again.
    Alternating {
        /// Layers of each.
        pairs: usize,
    },
    /// Both side by side and summed in every layer (GraphGPS, Rampášek et al. 2022).
    Parallel {
        /// Layers.
        layers: usize,
    },
}

/// One layer of a [`LayerPlan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Message passing.
    Message,
    /// Attention and feed-forward.
    Attention,
    /// Message passing and attention on the same input, summed; then feed-forward.
    Parallel,
}

impl LayerPlan {
    /// The layers in order.
    ///
    /// ```
    /// use ferrome_drug::model::{LayerPlan, Step};
    /// assert_eq!(LayerPlan::Alternating { pairs: 1 }.steps(), [Step::Message, Step::Attention]);
    /// ```
    #[must_use]
    pub fn steps(self) -> Vec<Step> {
        let repeat = |step, n| std::iter::repeat_n(step, n);
        match self {
            Self::OnTop { message, attention } => {
                repeat(Step::Message, message).chain(repeat(Step::Attention, attention)).collect()
            }
            Self::Alternating { pairs } => [Step::Message, Step::Attention].repeat(pairs),
            Self::Parallel { layers } => repeat(Step::Parallel, layers).collect(),
        }
    }
}

/// How messages pass along edges.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Graph isomorphism network with edge features (Hu et al. 2020).
    Gine,
    /// Gated graph convolution that updates edges too (Bresson and Laurent 2017).
    GatedGcn,
}

/// How the nodes of a graph attend to each other.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum AttentionConfig {
    /// Scaled dot products.
    #[default]
    Plain,
    /// Keys and queries from the k-subtree around each node (SAT, Chen et al. 2022).
    Sat {
        /// Layers of the structure extractor.
        k: usize,
    },
    /// Keys that are the queries, weights times a kernel on the graph (GraphiT, Mialon et al. 2021).
    GraphiT {
        /// The kernel.
        kernel: KernelConfig,
    },
}

/// A kernel between the nodes of a graph, from a Laplacian `L`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum KernelConfig {
    /// `exp(-beta L)`.
    Diffusion {
        /// How far it reaches.
        beta: f64,
        /// Which Laplacian.
        laplacian: LaplacianKind,
    },
    /// `(1 - beta L)^steps`.
    RandomWalk {
        /// Share that leaves a node in a step.
        beta: f64,
        /// Steps.
        steps: i64,
        /// Which Laplacian.
        laplacian: LaplacianKind,
    },
}

/// How the Laplacian `D - A` is normalised.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaplacianKind {
    /// `D - A`.
    None,
    /// `1 - D^-1/2 A D^-1/2`.
    Symmetric,
    /// `1 - D^-1 A`.
    RandomWalk,
}

/// What normalises activations.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Over the nodes of a batch in training, by running statistics otherwise.
    Batch,
    /// Over the width of each node.
    Layer,
}

/// How the nodes of a graph become one vector.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// The pair model's `config.json`: encoders that are not there are left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PairConfig {
    /// Encoder of molecular graphs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphConfig>,
    /// Encoder of fingerprints, beside the graphs or alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<FingerprintConfig>,
    /// Encoder of one row of numbers per protein: frozen embeddings, similarities to other proteins, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protein_rows: Option<RowsConfig>,
    /// Encoder of sequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convolution: Option<ConvolutionConfig>,
    /// What joins the two sides.
    pub head: HeadConfig,
}

/// A multi-layer perceptron over the on-bits of fingerprints.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FingerprintConfig {
    /// Bits of all fingerprints together.
    pub bits: i64,
    /// Widths of the layers.
    pub hidden: Vec<i64>,
    /// Share of activations dropped in training.
    #[serde(default)]
    pub dropout: f64,
}

/// A multi-layer perceptron over rows of numbers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RowsConfig {
    /// Numbers of a row.
    pub width: i64,
    /// Whether each column is brought to mean 0 and standard deviation 1 over the training proteins first.
    #[serde(default)]
    pub standardized: bool,
    /// Widths of the layers.
    pub hidden: Vec<i64>,
    /// Share of activations dropped in training.
    #[serde(default)]
    pub dropout: f64,
}

/// One-dimensional convolutions over residues, and the largest activation of each channel.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConvolutionConfig {
    /// Rows of the table of residues.
    pub letters: i64,
    /// Width of the table.
    pub embedding_size: i64,
    /// Output channels of each layer.
    pub channels: Vec<i64>,
    /// Width of each layer's window; odd.
    pub kernels: Vec<i64>,
    /// Share of activations dropped in training.
    #[serde(default)]
    pub dropout: f64,
}

/// What joins the encodings of a drug and a protein.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum HeadConfig {
    /// Products of linear maps of both sides: scoring a library against a target is one matrix product.
    Bilinear {
        /// Products summed for each output.
        rank: i64,
    },
    /// A multi-layer perceptron over both.
    Mlp {
        /// Widths of the layers.
        hidden: Vec<i64>,
        /// Share of activations dropped in training.
        #[serde(default)]
        dropout: f64,
    },
}
