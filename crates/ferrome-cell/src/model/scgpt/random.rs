//! Models to be trained: random weights, or those of another checkpoint as far as they go.

use std::path::Path;

use ferrome_core::{nn::Loader, train::write_tensors, weights::Checkpoint};
use tch::{Device, Kind, Tensor};

use super::generator::FLAGS;
use super::{Config, Generator, ScGpt, ValueStyle};
use crate::{Error, Result};

/// What is taken from a checkpoint of another kind.
const SHARED: [&str; 3] = ["encoder.", "value_encoder.", "transformer_encoder."];

/// A checkpoint that a new model begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foundation<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    /// Beginnings of names beside [`SHARED`] that are taken where they are there and of the same shape.
    pub(super) where_it_fits: &'a [&'a str],
}

/// A generator to be trained from random weights, in f32.
///
/// # Errors
///
/// Fails when there is no room.
pub fn random_generator(config: &Config, seed: u64, device: Device) -> Result<Generator> {
    generator(config, None, seed, device)
}

/// A model to be trained from random weights, in f32, with the decoders that hidden values are learnt with: from each gene's own
/// representation and from the cell's vector.
///
/// # Errors
///
/// Fails when there is no room.
pub fn random_model(config: &Config, seed: u64, device: Device) -> Result<ScGpt> {
    let d = config.embsize;
    let mut shapes = body(config);
    shapes.extend(perceptron("decoder.fc", d, d));
    shapes.extend(linear("mvc_decoder.gene2query", d, d));
    shapes.push(("mvc_decoder.W.weight".into(), vec![d, d]));
    let checkpoint = fill(shapes, None, seed)?;
    ScGpt::load(Loader::new(&checkpoint, Kind::Float, device), config.clone(), device)
}

/// A generator whose genes, values and blocks come from `foundation`, where it is given.
///
/// # Errors
///
/// A tensor of `foundation` has another shape; there is no room.
pub(super) fn generator(
    config: &Config,
    foundation: Option<&Checkpoint>,
    seed: u64,
    device: Device,
) -> Result<Generator> {
    let mut shapes = body(config);
    let d = config.embsize;
    shapes.push(("pert_encoder.weight".into(), vec![FLAGS, d]));
    for part in ["coeff_decoder", "bias_decoder"] {
        shapes.extend(perceptron(&format!("decoder.{part}.fc"), d, d));
    }
    let config = Config { use_batch_labels: false, n_cls: 0, ..config.clone() };
    let foundation = foundation.map(|checkpoint| Foundation { checkpoint, where_it_fits: &[] });
    let checkpoint = fill(shapes, foundation, seed)?;
    Generator::load(Loader::new(&checkpoint, Kind::Float, device), config, device)
}

pub(super) type Shapes = Vec<(String, Vec<i64>)>;

/// Genes, values and blocks.
pub(super) fn body(config: &Config) -> Shapes {
    let (d, f) = (config.embsize, config.d_hid);
    let mut all = vec![("encoder.embedding.weight".to_owned(), vec![config.ntoken, d])];
    all.extend(norm("encoder.enc_norm", d));
    match config.input_emb_style {
        ValueStyle::Continuous => {
            all.extend(linear("value_encoder.linear1", 1, d));
            all.extend(linear("value_encoder.linear2", d, d));
            all.extend(norm("value_encoder.norm", d));
        }
        ValueStyle::Category => {
            all.push(("value_encoder.embedding.weight".into(), vec![config.n_input_bins, d]));
            all.extend(norm("value_encoder.enc_norm", d));
        }
        ValueStyle::Scaling => {}
    }
    for layer in (0..config.nlayers).map(|i| format!("transformer_encoder.layers.{i}")) {
        all.push((format!("{layer}.self_attn.in_proj_weight"), vec![3 * d, d]));
        all.push((format!("{layer}.self_attn.in_proj_bias"), vec![3 * d]));
        all.extend(linear(&format!("{layer}.self_attn.out_proj"), d, d));
        all.extend(linear(&format!("{layer}.linear1"), d, f));
        all.extend(linear(&format!("{layer}.linear2"), f, d));
        all.extend(norm(&format!("{layer}.norm1"), d));
        all.extend(norm(&format!("{layer}.norm2"), d));
    }
    all
}

pub(super) fn linear(name: &str, inputs: i64, outputs: i64) -> Shapes {
    vec![(format!("{name}.weight"), vec![outputs, inputs]), (format!("{name}.bias"), vec![outputs])]
}

pub(super) fn norm(name: &str, d: i64) -> Shapes {
    vec![(format!("{name}.weight"), vec![d]), (format!("{name}.bias"), vec![d])]
}

pub(super) fn perceptron(name: &str, inputs: i64, d: i64) -> Shapes {
    let layers = [(0, inputs, d), (2, d, d), (4, d, 1)];
    layers.into_iter().flat_map(|(i, inputs, outputs)| linear(&format!("{name}.{i}"), inputs, outputs)).collect()
}

// Through a file, which the loader maps and which has no name when it is done.
pub(super) fn fill(shapes: Shapes, foundation: Option<Foundation>, seed: u64) -> Result<Checkpoint> {
    tch::manual_seed(i64::try_from(seed).unwrap_or(i64::MAX));
    let mut tensors = Vec::with_capacity(shapes.len());
    for (name, shape) in shapes {
        let tensor = foundation.map(|given| given.take(&name, &shape)).transpose()?.flatten();
        let tensor = tensor.map_or_else(|| draw(&name, &shape), Ok)?;
        tensors.push((name, tensor));
    }
    let tensors: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    write_tensors(&tensors, [], &path)?;
    Ok(Checkpoint::open(&path)?)
}

impl Foundation<'_> {
    fn take(&self, name: &str, shape: &[i64]) -> Result<Option<Tensor>> {
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let (shared, fitting) = (begins(&SHARED), begins(self.where_it_fits));
        let Some(info) = self.checkpoint.info(name).filter(|_| shared || fitting) else { return Ok(None) };
        let found: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
        match found == shape {
            true => Ok(Some(Loader::new(self.checkpoint, Kind::Float, Device::Cpu).tensor(name, shape)?)),
            false if shared => {
                let path: &Path = self.checkpoint.path();
                Err(Error::file(path, format!("`{name}` is {found:?}, expected {shape:?}")))
            }
            false => Ok(None),
        }
    }
}

// As torch initialises them, and scGPT its genes; biases and running means are 0.
fn draw(name: &str, shape: &[i64]) -> Result<Tensor> {
    let options = (Kind::Float, Device::Cpu);
    let uniform =
        |most: f64| Ok::<_, Error>(Tensor::f_rand(shape, options)?.f_mul_scalar(2.0 * most)?.f_sub_scalar(most)?);
    match shape {
        _ if name == "encoder.embedding.weight" => uniform(0.1),
        _ if name.ends_with("encoder.weight") => Ok(Tensor::f_randn(shape, options)?.f_mul_scalar(0.1)?),
        [_, inputs] => uniform((*inputs as f64).sqrt().recip()),
        _ if name.ends_with(".weight") || name.ends_with(".running_var") => Ok(Tensor::f_ones(shape, options)?),
        _ => Ok(Tensor::f_zeros(shape, options)?),
    }
}
