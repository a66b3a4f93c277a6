//! The loss of hidden values, as scGPT's fine-tuning has it.
//!
//! ```text
//! (decoder(x) - value)^2 + (mvc_decoder(cell, gene) - value)^2        mean over the hidden values
//! - log p                       of a value being 0 or not, where a decoder models that (`zero_logit`)
//! ```

use tch::{Kind, Reduction, Tensor};

use crate::model::Encoder;
use crate::model::scgpt::Expression;
use crate::task::train::mask::MaskedValues;
use crate::task::train::network::Network;
use crate::{Error, Result};

/// Mean losses over the hidden values.
#[derive(Debug)]
pub(in crate::task::train) struct ValuesLoss {
    /// What is learnt from.
    pub(in crate::task::train) all: Tensor,
    /// The squared error of the decoder alone.
    pub(in crate::task::train) squared_error: Tensor,
}

pub(in crate::task::train) fn loss(network: &Network, masked: &MaskedValues, training: bool) -> Result<ValuesLoss> {
    let encoder = network.encoder()?;
    let represented = network.represent(&encoder, &masked.cells(), training)?;
    let (Encoder::ScGpt(model), Some(batch)) = (&encoder, represented.scgpt()) else {
        return Err(Error::Train("values are hidden from an scGPT alone (a defect of ferrome)".into()));
    };
    let places = Tensor::f_from_slice(&masked.places)?.f_to_device(encoder.device())?;
    let targets = Tensor::f_from_slice(&masked.targets)?.f_to_device(encoder.device())?;
    let (squared_error, mut all) = of(&model.expression(&represented.x, batch)?, &places, &targets)?;
    if model.has_mvc_decoder() {
        let cells = represented.cells(&encoder)?;
        all = all.f_add(&of(&model.expression_of_cells(&cells, batch)?, &places, &targets)?.1)?;
    }
    Ok(ValuesLoss { all, squared_error })
}

// The squared error, and with it what a decoder says of zeros.
fn of(found: &Expression, places: &Tensor, targets: &Tensor) -> Result<(Tensor, Tensor)> {
    let at = |tensor: &Tensor| -> Result<Tensor> { Ok(tensor.f_index_select(0, places)?.f_to_kind(Kind::Float)?) };
    let squared_error = at(&found.values)?.f_mse_loss(targets, Reduction::Mean)?;
    let Some(expressed) = &found.expressed else { return Ok((squared_error.shallow_clone(), squared_error)) };
    let is = targets.f_gt(0.0)?.f_to_kind(Kind::Float)?;
    let log_p = at(expressed)?.f_binary_cross_entropy::<Tensor>(&is, None, Reduction::Mean)?;
    let all = squared_error.f_add(&log_p)?;
    Ok((squared_error, all))
}
