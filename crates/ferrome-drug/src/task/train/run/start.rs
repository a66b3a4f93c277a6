use std::path::Path;

use ferrome_core::interrupt::Interrupt;
use tch::Device;

use crate::task::train::{Measured, Quality, TrainConfig};

/// What a run is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// What to train on and how.
    pub config: &'a TrainConfig,
    /// The folder that it writes.
    pub folder: &'a Path,
    /// Where to run.
    pub device: Device,
    /// Forget an earlier run into the folder.
    pub overwrite: bool,
    /// Asks the run to stop after the epoch in hand.
    pub interrupt: Interrupt,
}

/// How far a run is; told after every step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Which member of the ensemble is trained, from 0.
    pub member: usize,
    /// Of so many.
    pub members: usize,
    /// Whether this is the fast model rather than a member of the other.
    pub fast: bool,
    /// Whether this is its second training.
    pub refit: bool,
    /// Epochs done, those of earlier runs included.
    pub epoch: f64,
    /// Of at most so many.
    pub epochs: u64,
    /// What was measured after an epoch.
    pub measured: Option<Measured>,
}

/// What a finished run did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All measurements, those of earlier runs included.
    pub measured: Vec<Measured>,
    /// The epoch that was chosen for each member.
    pub epochs: Vec<u64>,
    /// Pairs that were trained on, chose the epoch, were tested on.
    pub pairs: [usize; 3],
    /// The whole ensemble on the validation pairs (each member on its own, where they rotate).
    pub validation: Quality,
    /// The whole ensemble on the test pairs.
    pub test: Quality,
    /// Each member alone on the test pairs.
    pub single: Vec<Quality>,
    /// The fast model, where there is one.
    pub fast: Option<Box<Outcome>>,
}
