//! Low-rank adapters beside the matrices of an encoder.

use tch::{Device, Kind, Tensor};

use super::config::{Lora, Matrix};
use crate::model::{Encoder, Family, Place, Shape};
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

    /// The tensor of a block that it is in.
    fn tensor(self, family: Family) -> &'static str {
        match (family, self) {
            (Family::Geneformer, Self::Query | Self::Key | Self::Value) => "attention.self.query_key_value.weight",
            (Family::Geneformer, Self::AttentionOutput) => "attention.output.dense.weight",
            (Family::Geneformer, Self::Intermediate) => "intermediate.dense.weight",
            (Family::Geneformer, Self::Output) => "output.dense.weight",
            (Family::ScGpt, Self::Query | Self::Key | Self::Value) => "self_attn.in_proj_weight",
            (Family::ScGpt, Self::AttentionOutput) => "self_attn.out_proj.weight",
            (Family::ScGpt, Self::Intermediate) => "linear1.weight",
            (Family::ScGpt, Self::Output) => "linear2.weight",
        }
    }

    /// Which third of that tensor's rows it is.
    fn third(self) -> Option<usize> {
        [Self::Query, Self::Key, Self::Value].iter().position(|&matrix| matrix == self)
    }

    /// Outputs and inputs.
    fn shape(self, shape: &Shape) -> (i64, i64) {
        let (d, f) = (shape.width(), shape.feed_forward());
        match self {
            Self::Intermediate => (f, d),
            Self::Output => (d, f),
            _ => (d, d),
        }
    }
}

impl Adapters {
    /// Adapters that change nothing yet, in all blocks from `first` on; drawn from libtorch's generator.
    pub(super) fn new(lora: &Lora, shape: &Shape, first: usize, device: Device) -> Result<Self> {
        let mut all = Vec::new();
        for layer in first..shape.blocks() {
            for &matrix in &lora.targets {
                let (outputs, inputs) = matrix.shape(shape);
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
    pub(super) fn apply(&self, model: &Encoder) -> Result<Encoder> {
        let family = model.shape().family();
        model.with(&mut |name, tensor| {
            let mut changed = tensor.shallow_clone();
            let here =
                |adapter: &&Adapter| Place::in_block(name) == Some((adapter.layer, adapter.matrix.tensor(family)));
            for adapter in self.all.iter().filter(here) {
                let product = adapter.b.f_matmul(&adapter.a)?.f_mul_scalar(self.scale)?; // [out, in]
                let product = match adapter.matrix.third() {
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
