//! Low-rank adapters beside the matrices of a Geneformer.

use tch::{Device, Kind, Tensor};

use super::config::{Lora, Matrix};
use crate::model::{Geneformer, GeneformerConfig};
use crate::{Error, Result};

/// All adapters of a model.
#[derive(Debug)]
pub(super) struct Adapters {
    all: Vec<Adapter>,
    scale: f64,
}

#[derive(Debug)]
struct Adapter {
    layer: usize,
    matrix: Matrix,
    /// `[rank, in]`.
    a: Tensor,
    /// `[out, rank]`.
    b: Tensor,
}

impl Matrix {
    fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
            Self::AttentionOutput => "attention-output",
            Self::Intermediate => "intermediate",
            Self::Output => "output",
        }
    }

    /// The tensor it is in, and which third of its rows it is.
    fn place(self) -> (&'static str, Option<i64>) {
        match self {
            Self::Query => ("attention.self.query_key_value.weight", Some(0)),
            Self::Key => ("attention.self.query_key_value.weight", Some(1)),
            Self::Value => ("attention.self.query_key_value.weight", Some(2)),
            Self::AttentionOutput => ("attention.output.dense.weight", None),
            Self::Intermediate => ("intermediate.dense.weight", None),
            Self::Output => ("output.dense.weight", None),
        }
    }

    /// Outputs and inputs.
    fn shape(self, config: &GeneformerConfig) -> (i64, i64) {
        let (d, f) = (config.hidden_size, config.intermediate_size);
        match self {
            Self::Intermediate => (f, d),
            Self::Output => (d, f),
            _ => (d, d),
        }
    }
}

impl Adapters {
    /// Adapters that change nothing yet, in all blocks from `first` on; drawn from libtorch's generator.
    pub(super) fn new(lora: &Lora, config: &GeneformerConfig, first: usize, device: Device) -> Result<Self> {
        let mut all = Vec::new();
        for layer in first..config.num_hidden_layers {
            for &matrix in &lora.targets {
                let (outputs, inputs) = matrix.shape(config);
                let a = Tensor::f_randn([lora.rank, inputs], (Kind::Float, Device::Cpu))?;
                let a = a.f_mul_scalar((inputs as f64).sqrt().recip())?.f_to_device(device)?;
                let b = Tensor::f_zeros([outputs, lora.rank], (Kind::Float, device))?;
                all.push(Adapter { layer, matrix, a, b });
            }
        }
        if all.is_empty() {
            return Err(Error::Train(format!("LoRA has no block left: the first {first} are frozen (freeze)")));
        }
        Ok(Self { all, scale: lora.scale() })
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let of = |adapter: &Adapter, part: &str| format!("adapter.{}.{}.{part}", adapter.layer, adapter.matrix.name());
        self.all.iter().flat_map(|one| [(of(one, "a"), &one.a), (of(one, "b"), &one.b)]).collect()
    }

    /// The model with the products added to its matrices; differentiable.
    pub(super) fn apply(&self, model: &Geneformer) -> Result<Geneformer> {
        model.with(&mut |name, tensor| {
            let mut changed = tensor.shallow_clone();
            for adapter in &self.all {
                let (place, third) = adapter.matrix.place();
                if name != format!("bert.encoder.layer.{}.{place}", adapter.layer) {
                    continue;
                }
                let product = adapter.b.f_matmul(&adapter.a)?.f_mul_scalar(self.scale)?; // [out, in]
                let product = match third {
                    Some(third) => {
                        let zeros = product.f_zeros_like()?;
                        let rows = [0, 1, 2].map(|i| if i == third { &product } else { &zeros });
                        Tensor::f_cat(&rows, 0)?
                    }
                    None => product,
                };
                changed = changed.f_add(&product)?;
            }
            Ok(changed)
        })
    }
}
