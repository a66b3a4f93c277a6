//! What a run is started with, and what it tells.

use std::path::Path;

use ferrome_core::interrupt::Interrupt;
use tch::{Device, Kind};

use super::{Measured, Report, TrainConfig};
use crate::model::OpenModel;
use crate::vocabulary::Vocabulary;

/// What a run is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// How to train.
    pub config: &'a TrainConfig,
    /// Where to start from; random weights of `config.model` without it.
    pub from: Option<&'a OpenModel>,
    /// Which token is which gene. Hidden genes and classes of genes need it.
    pub vocabulary: Option<&'a Vocabulary>,
    /// The folder that it writes.
    pub folder: &'a Path,
    /// Dtype of the forward and backward pass; parameters and optimiser stay in f32.
    pub kind: Kind,
    /// Where to run.
    pub device: Device,
    /// Forget an earlier run into the folder.
    pub overwrite: bool,
    /// Asks the run to stop after the step in hand.
    pub interrupt: Interrupt,
}

/// How far a run is; told after every step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Epochs done, those of earlier runs included.
    pub epoch: f64,
    /// Of at most so many.
    pub epochs: u64,
    /// Loss of the last step.
    pub loss: f64,
    /// Tokens per second of this run.
    pub tokens_per_second: f64,
    /// What was measured after this step, if anything was.
    pub measured: Option<Measured>,
}

/// What a finished run did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All measurements, those of earlier runs included.
    pub measured: Vec<Measured>,
    /// The best of them, whose weights were kept.
    pub best: Option<Measured>,
    /// The step it went on from, if it did.
    pub resumed: Option<u64>,
    /// How good it is on what it never saw.
    pub report: Report,
}
