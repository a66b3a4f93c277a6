use rand_chacha::ChaCha8Rng;
use tch::{Kind, Reduction, Tensor};

use super::{Goal, Lesson, values};
use crate::model::{ClassifierHead, scgpt::CellTokens};
use crate::task::train::mask::{self, Cover, Masked};
use crate::task::train::network::Network;
use crate::{Error, Result};

/// Of the outputs with this target nothing is learnt.
const NONE: i64 = -100;

impl Lesson<'_> {
    /// The loss of a step on these cells; hidden genes are drawn from `random`. `None` where there is nothing to learn.
    pub(in crate::task::train) fn loss(
        &self,
        network: &Network,
        cells: &[usize],
        random: &mut ChaCha8Rng,
    ) -> Result<Option<Tensor>> {
        if let Goal::Hidden(known) = &self.goal {
            let cells = cells.iter().map(|&cell| self.tokens(cell).to_vec()).collect();
            let masked = mask::hide(cells, known, self.mask_share, Cover::Bert, random);
            let some = !masked.places.is_empty();
            return some.then(|| self.hidden_loss(network, &masked, true)).transpose();
        }
        if let Goal::Values(known) = &self.goal {
            let masked = mask::hide_values(self.cells(cells), known, self.mask_share, random);
            let some = !masked.places.is_empty();
            return some.then(|| Ok(values::loss(network, &masked, true)?.all)).transpose();
        }
        let encoder = network.encoder()?;
        let device = encoder.device();
        let targets = self.targets(cells);
        if targets.iter().all(|&target| target == NONE) {
            return Ok(None);
        }
        let represented = network.represent(&encoder, &self.cells(cells), true)?;
        let logits = head(network)?.forward(&encoder, &represented, true)?.f_to_kind(Kind::Float)?;
        let targets = Tensor::f_from_slice(&targets)?.f_to_device(device)?;
        let weights = Tensor::f_from_slice(&self.weights)?.f_to_device(device)?;
        Ok(Some(logits.f_cross_entropy_loss(&targets, Some(weights), Reduction::Mean, NONE, 0.0)?))
    }

    /// Mean cross-entropy of the hidden genes; only their logits are computed.
    pub(in crate::task::train) fn hidden_loss(
        &self,
        network: &Network,
        masked: &Masked,
        training: bool,
    ) -> Result<Tensor> {
        let encoder = network.encoder()?;
        let device = encoder.device();
        let cells: Vec<CellTokens> = masked.cells.iter().map(|tokens| CellTokens { tokens, values: &[] }).collect();
        let x = network.represent(&encoder, &cells, training)?.x;
        let places = Tensor::f_from_slice(&masked.places)?.f_to_device(device)?;
        let targets = Tensor::f_from_slice(&masked.targets)?.f_to_device(device)?;
        let logits = encoder.gene_logits(&x.f_index_select(0, &places)?)?.f_to_kind(Kind::Float)?; // [m, vocabulary]
        Ok(logits.f_cross_entropy_loss::<Tensor>(&targets, None, Reduction::Mean, NONE, 0.0)?)
    }

    /// The class of each output: of each cell, or of each token that is a gene of the training part.
    fn targets(&self, cells: &[usize]) -> Vec<i64> {
        let class = |item: usize| self.class().get(item).and_then(|&class| i64::try_from(class).ok()).unwrap_or(NONE);
        let Goal::Genes(genes) = &self.goal else { return cells.iter().map(|&cell| class(cell)).collect() };
        let learnt = |item: &usize| self.split.train.binary_search(item).is_ok();
        let target = |token: &i32| genes.item(*token).filter(learnt).map_or(NONE, class);
        cells.iter().flat_map(|&cell| self.tokens(cell).iter().map(target)).collect()
    }
}

pub(super) fn head(network: &Network) -> Result<&ClassifierHead> {
    network.head.as_ref().ok_or_else(|| Error::Train("a classifier without a head (a defect of ferrome)".into()))
}
