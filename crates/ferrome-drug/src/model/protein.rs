//! Sequences as one-dimensional convolutions see them (DeepDTA's protein side, Öztürk et al. 2018, with windows that keep
//! the length): `max over residues of relu(conv(… relu(conv(embedding))))`.

use ferrome_core::nn::Embedding;
use tch::{Device, Kind, Tensor};

use super::{ConvolutionConfig, Weights, mlp::drop_out, weights::Draw};
use crate::{Error, Result};

/// Sequences of residues, `p` of at most `t` residues.
#[derive(Debug)]
pub struct Residues {
    /// `[p, t]` (i64), 0 behind the end.
    tokens: Tensor,
    /// `[p, 1, t]` (f32): 1 where there is a residue.
    present: Tensor,
}

impl Residues {
    /// Letters as numbers from 1: `A` is 1, `Z` is 26; any other byte is 27. An empty sequence is one unknown residue.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a [u8]>, device: Device) -> Result<Self> {
        let number = |byte: &u8| match byte.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => i64::from(letter - b'A') + 1,
            _ => 27,
        };
        let rows: Vec<Vec<i64>> = sequences
            .into_iter()
            .map(|sequence| if sequence.is_empty() { vec![27] } else { sequence.iter().map(number).collect() })
            .collect();
        let longest = rows.iter().map(Vec::len).max().unwrap_or(1);
        let flat: Vec<i64> = rows
            .iter()
            .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, longest - row.len())))
            .collect();
        let tokens = Tensor::f_from_slice(&flat)?.f_view([rows.len() as i64, longest as i64])?.f_to_device(device)?;
        Ok(Self { present: tokens.f_gt(0)?.f_to_kind(Kind::Float)?.f_unsqueeze(1)?, tokens })
    }
}

#[derive(Debug)]
pub(super) struct Convolution {
    table: Embedding,
    layers: Vec<Window>,
    dropout: f64,
}

#[derive(Debug)]
struct Window {
    weight: Tensor,
    bias: Tensor,
    width: i64,
}

impl Convolution {
    pub(super) fn load(weights: &Weights, config: &ConvolutionConfig) -> Result<Self> {
        if config.letters < 28 {
            return Err(Error::Model(format!("convolution: `letters` is {}, expected at least 28", config.letters)));
        }
        if config.channels.len() != config.kernels.len() || config.channels.is_empty() {
            return Err(Error::Model("convolution: `channels` and `kernels` must be as many, and at least one".into()));
        }
        if let Some(even) = config.kernels.iter().find(|&&width| width < 1 || width % 2 == 0) {
            return Err(Error::Model(format!("convolution: kernel {even} is not odd")));
        }
        let inputs = std::iter::once(&config.embedding_size).chain(&config.channels);
        let layers =
            inputs.zip(&config.channels).zip(&config.kernels).enumerate().map(|(i, ((&from, &to), &width))| {
                let (this, draw) = (weights.pp(i), Draw::fan_in(from * width));
                Ok(Window {
                    weight: this.tensor("weight", &[to, from, width], draw)?,
                    bias: this.tensor("bias", &[to], draw)?,
                    width,
                })
            });
        Ok(Self {
            table: weights.embedding("table", config.letters, config.embedding_size, 1)?,
            layers: layers.collect::<Result<_>>()?,
            dropout: config.dropout,
        })
    }

    /// `[p, t] -> [p, last of channels]`. What stands behind the end of a sequence is 0 at every layer, so that a sequence
    /// does not see its neighbours' length.
    pub(super) fn forward(&self, residues: &Residues, train: bool) -> Result<Tensor> {
        let Residues { tokens, present } = residues;
        let embedded = Tensor::f_embedding(&self.table.weight, tokens, -1, false, false)?;
        let mut x = embedded.f_transpose(1, 2)?.f_mul(present)?; // [p, t, d] -> [p, d, t]
        for Window { weight, bias, width } in &self.layers {
            let half = width / 2;
            x = x.f_conv1d(weight, Some(bias), [1_i64], [half], [1_i64], 1)?.f_relu()?.f_mul(present)?;
        }
        // No activation is below 0, so that padding is never the largest.
        drop_out(x.f_amax([2_i64].as_slice(), false)?, self.dropout, train)
    }
}
