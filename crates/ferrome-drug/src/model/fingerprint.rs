use ferrome_core::nn::Embedding;
use tch::{Device, Kind, Tensor};

use super::{
    FingerprintConfig, Weights,
    mlp::{Mlp, active},
    weights::Draw,
};
use crate::{Error, Result};

/// The on-bits of molecules, one after another.
#[derive(Debug)]
pub struct Fingerprints {
    /// `[bits that are on]` (i64).
    bits: Tensor,
    /// `[g]` (i64): where the bits of each molecule begin.
    starts: Tensor,
}

impl Fingerprints {
    /// Takes the on-bits of each molecule; bits of a second fingerprint count on from the end of the first.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new<'a>(molecules: impl IntoIterator<Item = &'a [u16]>, device: Device) -> Result<Self> {
        let (mut bits, mut starts) = (Vec::new(), Vec::new());
        for molecule in molecules {
            starts.push(bits.len() as i64);
            bits.extend(molecule.iter().map(|&bit| i64::from(bit)));
        }
        let tensor = |values: &[i64]| -> Result<Tensor> { Ok(Tensor::f_from_slice(values)?.f_to_device(device)?) };
        Ok(Self { bits: tensor(&bits)?, starts: tensor(&starts)? })
    }
}

/// A multi-layer perceptron whose first layer gathers the rows of on-bits instead of multiplying with all the others.
#[derive(Debug)]
pub(super) struct FingerprintEncoder {
    table: Embedding,
    bias: Tensor,
    rest: Mlp,
    dropout: f64,
}

impl FingerprintEncoder {
    pub(super) fn load(weights: &Weights, config: &FingerprintConfig) -> Result<Self> {
        let none = || Error::Model("fingerprints: `hidden` is empty".into());
        let (&first, rest) = config.hidden.split_first().ok_or_else(none)?;
        // About a hundred bits are on: as a linear layer over so many inputs.
        let table = weights.pp("table").sparse("weight", [config.bits, first], Draw::Uniform(0.1))?;
        Ok(Self {
            table: Embedding { weight: table },
            bias: weights.tensor("bias", &[first], Draw::Constant(0.0))?,
            rest: Mlp::load(&weights.pp("rest"), first, rest, config.dropout)?,
            dropout: config.dropout,
        })
    }

    /// `-> [g, last of hidden]`.
    pub(super) fn forward(&self, fingerprints: &Fingerprints, train: bool) -> Result<Tensor> {
        let Fingerprints { bits, starts } = fingerprints;
        let weight = &self.table.weight;
        if bits.numel() > 0 && bits.f_max()?.f_int64_value(&[])? >= weight.size2()?.0 {
            return Err(Error::Model(format!("a fingerprint bit is not among the model's {}", weight.size2()?.0)));
        }
        let summed = Tensor::f_embedding_bag::<Tensor>(weight, bits, starts, false, 0, false, None, false)?.0;
        let hidden = active(&summed.f_to_kind(Kind::Float)?.f_add(&self.bias)?, self.dropout, train)?;
        self.rest.forward(&hidden, train)
    }
}
