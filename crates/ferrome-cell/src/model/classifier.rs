//! Classifiers of cells and of genes on an encoder. On a Geneformer they are `BertForSequenceClassification` and
//! `BertForTokenClassification`, on an scGPT its `ClsDecoder`, which is published for cells and here takes genes, too.
//!
//! ```text
//! Geneformer   cells: logits = W tanh(P x[first token of the cell])    genes: logits = W x[token]
//! scGPT        cells: logits = ClsDecoder(vector of the cell)          genes: logits = ClsDecoder(x[token])
//! ```

mod classes;

use ferrome_core::nn::{Linear, Loader};
use tch::{Device, Kind, Tensor};

use super::dropout::dropped;
use super::scgpt::{CellTokens, ClsDecoder};
use super::{Encoder, OpenGeneformer, OpenModel, Represented};
use crate::{Error, Result};

pub use classes::Classes;

/// What has a class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Classified {
    /// A cell, by the vector of its first token (in an scGPT by what its `cell_emb_style` says).
    Cells,
    /// A gene in its cell.
    Genes,
}

/// Vectors to logits over the classes.
#[derive(Debug)]
pub struct Head {
    classified: Classified,
    decoder: Decoder,
}

#[derive(Debug)]
enum Decoder {
    Geneformer { pooler: Option<Linear>, classifier: Linear },
    ScGpt(ClsDecoder),
}

impl Head {
    /// Takes `bert.pooler.dense` (cells only) and `classifier`, or `cls_decoder`; everything else is left over.
    ///
    /// # Errors
    ///
    /// Lists what is missing or of another shape; fails when the device has no room.
    pub fn load(model: &OpenModel, classes: &Classes, kind: Kind, device: Device) -> Result<Self> {
        let count = i64::try_from(classes.names.len()).unwrap_or(i64::MAX);
        let loader = Loader::new(model.checkpoint(), kind, device);
        loader.allow_left_over("*");
        let decoder = match model {
            OpenModel::Geneformer(model) => {
                let d = model.config.hidden_size;
                let pooler = (classes.classified == Classified::Cells)
                    .then(|| Linear::load(&loader.pp("bert.pooler.dense"), d, d));
                Decoder::Geneformer {
                    pooler: pooler.transpose()?,
                    classifier: Linear::load(&loader.pp("classifier"), d, count)?,
                }
            }
            OpenModel::ScGpt(model) => {
                let config = super::scgpt::Config { n_cls: count, ..model.config.clone() };
                let lacks = Error::NoDecoder { name: "cls_decoder", task: "classes" };
                Decoder::ScGpt(ClsDecoder::load(&loader.pp("cls_decoder"), &config)?.ok_or(lacks)?)
            }
        };
        loader.finish()?;
        Ok(Self { classified: classes.classified, decoder })
    }

    /// Random weights from libtorch's generator: normal with a standard deviation of 0.02 on a Geneformer, whose pooler is taken over
    /// where it has one, and those of `torch.nn.Linear` on an scGPT.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn random(model: &OpenModel, classes: &Classes, device: Device) -> Result<Self> {
        let (classified, count) = (classes.classified, i64::try_from(classes.names.len()).unwrap_or(i64::MAX));
        let decoder = match model {
            OpenModel::Geneformer(model) => {
                let pooler = (classified == Classified::Cells).then(|| pooler(model, device)).transpose()?;
                Decoder::Geneformer { pooler, classifier: normal(count, model.config.hidden_size, device)? }
            }
            OpenModel::ScGpt(model) => Decoder::ScGpt(ClsDecoder::random(&model.config, count, device)?),
        };
        Ok(Self { classified, decoder })
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        let decoder = match &self.decoder {
            Decoder::Geneformer { pooler, classifier } => {
                Decoder::Geneformer { pooler: pooler.as_ref().map(Linear::share), classifier: classifier.share() }
            }
            Decoder::ScGpt(decoder) => Decoder::ScGpt(decoder.share()),
        };
        Self { classified: self.classified, decoder }
    }

    /// Every tensor under its name in a checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let (pooler, classifier) = match &self.decoder {
            Decoder::Geneformer { pooler, classifier } => (pooler.as_ref(), classifier),
            Decoder::ScGpt(decoder) => {
                let named = decoder.parameters().into_iter();
                return named.map(|(name, tensor)| (format!("cls_decoder.{name}"), tensor)).collect();
            }
        };
        let parts = [("bert.pooler.dense", pooler), ("classifier", Some(classifier))];
        let parts = parts.into_iter().filter_map(|(name, linear)| Some((name, linear?)));
        let tensors = parts.flat_map(|(name, linear)| {
            let bias = linear.bias.as_ref().map(|bias| (format!("{name}.bias"), bias));
            [Some((format!("{name}.weight"), &linear.weight)), bias]
        });
        tensors.flatten().collect()
    }

    /// `[cells, classes]`, or `[t, classes]` for genes. In the `training` of a Geneformer the classifier sees what `hidden_dropout_prob`
    /// leaves; an scGPT's decoder sees everything, as published.
    ///
    /// # Errors
    ///
    /// The vectors have another width.
    pub fn forward(&self, encoder: &Encoder, represented: &Represented, training: bool) -> Result<Tensor> {
        match (&self.decoder, self.classified) {
            (Decoder::Geneformer { pooler, classifier }, _) => {
                let dropout = if training { encoder.shape().dropout() } else { 0.0 };
                let x = match pooler {
                    Some(pooler) => pooler.forward(&represented.first()?)?.f_tanh()?, // [t, d] -> [cells, d]
                    None => represented.x.shallow_clone(),
                };
                Ok(classifier.forward(&dropped(x, dropout)?)?)
            }
            (Decoder::ScGpt(decoder), Classified::Cells) => decoder.forward(&represented.cells(encoder)?),
            (Decoder::ScGpt(decoder), Classified::Genes) => decoder.forward(&represented.x),
        }
    }
}

fn pooler(model: &OpenGeneformer, device: Device) -> Result<Linear> {
    let d = model.config.hidden_size;
    if model.checkpoint().info("bert.pooler.dense.weight").is_none() {
        return normal(d, d, device);
    }
    let loader = Loader::new(model.checkpoint(), Kind::Float, device);
    loader.allow_left_over("*");
    let pooler = Linear::load(&loader.pp("bert.pooler.dense"), d, d)?;
    loader.finish()?;
    Ok(pooler)
}

fn normal(rows: i64, columns: i64, device: Device) -> Result<Linear> {
    let options = (Kind::Float, Device::Cpu);
    let weight = Tensor::f_randn([rows, columns], options)?.f_mul_scalar(0.02)?.f_to_device(device)?;
    Ok(Linear { weight, bias: Some(Tensor::f_zeros([rows], (Kind::Float, device))?) })
}

/// An encoder with a head.
#[derive(Debug)]
pub struct Classifier {
    /// The encoder.
    pub encoder: Encoder,
    /// The head.
    pub head: Head,
}

impl Classifier {
    /// Loads the encoder and the head in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing or of another shape; fails when the device has no room.
    pub fn load(model: &OpenModel, classes: &Classes, kind: Kind, device: Device) -> Result<Self> {
        Ok(Self { encoder: Encoder::load(model, kind, device)?, head: Head::load(model, classes, kind, device)? })
    }

    /// A second handle on the same weights, for another thread.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { encoder: self.encoder.share(), head: self.head.share() }
    }

    /// Logits of some cells, outside training: `[cells, classes]` or `[t, classes]`.
    ///
    /// # Errors
    ///
    /// As [`Encoder::represent`].
    pub fn logits(&self, cells: &[CellTokens]) -> Result<Tensor> {
        let represented = self.encoder.represent(cells, self.encoder.shape().blocks())?;
        self.head.forward(&self.encoder, &represented, false)
    }
}
