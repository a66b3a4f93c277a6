use ferrome_core::engine::{self, BoxError};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use tch::Device;

use super::block::Block;
use super::table::Shape;
use super::{Model, Outcome, Target};
use crate::{Error, Result};

pub(super) struct Stages {
    pub(super) fast: Model,
    pub(super) model: Model,
    pub(super) share: f64,
    pub(super) targets: Vec<Target>,
    pub(super) shape: Shape,
    pub(super) devices: Vec<Device>,
}

pub(super) fn run(
    _stages: Stages,
    _blocks: Box<dyn Iterator<Item = Result<Block, BoxError>> + Send>,
    _options: engine::Options,
    _output: Output,
    _description: RunDescription,
) -> Result<Outcome> {
    Err(Error::Model("not yet".into()))
}
