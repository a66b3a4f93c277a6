//! What is trained: an encoder, what stands on it, and which of its weights move.

use tch::{Kind, Tensor};

use super::adapter::Adapters;
use super::lesson::Lesson;
use super::{Start, init};
use crate::model::{ClassifierHead, Encoder, Place, Represented, Shape, scgpt::CellTokens};
use crate::{Error, Result};

/// The model of a training.
#[derive(Debug)]
pub(super) struct Network {
    encoder: Encoder,
    /// Of a classifier; hidden genes have the head of the encoder.
    pub(super) head: Option<ClassifierHead>,
    adapters: Option<Adapters>,
    freeze: usize,
    kind: Kind,
}

impl Network {
    /// The checkpoint, or random weights.
    pub(super) fn new(start: &Start, lesson: &Lesson, shape: &Shape) -> Result<Self> {
        let config = start.config;
        // One seed for the first weights, whatever is drawn of them.
        tch::manual_seed(i64::try_from(config.seed).unwrap_or(i64::MAX));
        let encoder = match start.from {
            Some(opened) => Encoder::load(opened, Kind::Float, start.device)?,
            None => init::random(shape, config.seed, start.device)?,
        };
        let layers = shape.blocks();
        if config.freeze > layers {
            return Err(Error::Train(format!("freeze is {}, and the model has {layers} blocks", config.freeze)));
        }
        let head = match (lesson.classes(), start.from) {
            (Some(classes), Some(opened)) => Some(ClassifierHead::random(opened, classes, start.device)?),
            (Some(_), None) => return Err(Error::Train(NO_MODEL.into())),
            (None, _) => None,
        };
        let adapters = config.lora.as_ref().map(|lora| Adapters::new(lora, shape, config.freeze, start.device));
        Ok(Self { encoder, head, adapters: adapters.transpose()?, freeze: config.freeze, kind: start.kind })
    }

    /// Every tensor that training changes.
    pub(super) fn trained(&self) -> Vec<(String, &Tensor)> {
        let mut all = match &self.adapters {
            Some(adapters) => adapters.parameters(),
            None => self.encoder.parameters().into_iter().filter(|(name, _)| self.moves(name)).collect(),
        };
        all.extend(self.head.iter().flat_map(ClassifierHead::parameters));
        all
    }

    fn moves(&self, name: &str) -> bool {
        match Place::of(name) {
            // Of classes an scGPT has the head's own.
            Place::Decoder => self.head.is_none() && !name.starts_with("cls_decoder."),
            Place::Block(block) => block >= self.freeze,
            Place::Embedding => self.freeze == 0,
        }
    }

    /// The encoder as it is now, its adapters added.
    pub(super) fn encoder(&self) -> Result<Encoder> {
        match &self.adapters {
            Some(adapters) => adapters.apply(&self.encoder),
            None => Ok(self.encoder.share()),
        }
    }

    /// Last representations of some cells, with dropout in training.
    pub(super) fn represent(&self, encoder: &Encoder, cells: &[CellTokens], training: bool) -> Result<Represented> {
        encoder.represent_in(self.kind, cells, training)
    }
}

pub(super) const NO_MODEL: &str = "there is nothing to train: name a model to start from (--from), or give its shape as `model` in \
                                   the configuration with the objective mlm";
