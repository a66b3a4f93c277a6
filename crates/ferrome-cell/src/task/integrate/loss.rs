//! What a step is judged by.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Reduction, Tensor};

use super::{Corpus, IntegrateConfig};
use crate::Result;
use crate::model::scgpt::{Batch, CellTokens, Config, Expression, Integrator, ValueStyle};
use crate::neighbours::unit_rows;

/// Cells of which some genes are hidden.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) batch: Batch,
    /// `[m]` (i64): which of all tokens are hidden.
    places: Tensor,
    /// `[m]`: their bins.
    targets: Tensor,
    /// `[n]` (i64): the batch of each cell.
    labels: Tensor,
}

/// What stands for a hidden value.
pub(super) fn mask_value(config: &Config) -> f32 {
    match config.input_emb_style {
        ValueStyle::Continuous | ValueStyle::Scaling => -1.0,
        // Behind the bins and the one for padding.
        ValueStyle::Category => (config.n_bins + 1) as f32,
    }
}

impl Hidden {
    /// Hides a share of each cell's genes; which, `stream` of the seed decides.
    pub(super) fn new(
        (corpus, cells): (&Corpus, &[usize]),
        config: &IntegrateConfig,
        mask: f32,
        stream: u64,
        device: Device,
    ) -> Result<Self> {
        let genes = corpus.genes.len();
        let hidden = ((genes as f64 * config.mask_share) as usize).clamp(1, genes);
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(stream);
        let (mut places, mut targets, mut values) = (Vec::new(), Vec::new(), Vec::with_capacity(cells.len()));
        for (row, &cell) in cells.iter().enumerate() {
            let bins = corpus.bins(cell);
            let mut shown: Vec<f32> = std::iter::once(0.0).chain(bins.iter().copied()).collect();
            for gene in index::sample(&mut random, genes, hidden) {
                shown[gene + 1] = mask;
                places.push((row * (genes + 1) + gene + 1) as i64);
                targets.push(bins[gene]);
            }
            values.push(shown);
        }
        let labels: Vec<i64> = cells.iter().map(|&cell| corpus.batch[cell] as i64).collect();
        Ok(Self {
            batch: pack(corpus, &values, &labels, device)?,
            places: Tensor::f_from_slice(&places)?.f_to_device(device)?,
            targets: Tensor::f_from_slice(&targets)?.f_to_device(device)?,
            labels: Tensor::f_from_slice(&labels)?.f_to_device(device)?,
        })
    }

    /// Mean squared error and, where the model tells it, the cross entropy of whether a gene is expressed, of hidden genes.
    fn errors(&self, found: &Expression) -> Result<(Tensor, Option<Tensor>)> {
        let hidden = |all: &Tensor| Ok::<_, crate::Error>(all.f_to_kind(Kind::Float)?.f_index_select(0, &self.places)?);
        let squares = hidden(&found.values)?.f_mse_loss(&self.targets, Reduction::Mean)?;
        let expressed = found.expressed.as_ref().map(|expressed| {
            let truth = self.targets.f_gt(0.0)?.f_to_kind(Kind::Float)?;
            Ok::<_, crate::Error>(hidden(expressed)?.f_binary_cross_entropy::<Tensor>(&truth, None, Reduction::Mean)?)
        });
        Ok((squares, expressed.transpose()?))
    }
}

/// Cells over the whole panel, `<cls>` first, with these values.
pub(super) fn pack(corpus: &Corpus, values: &[Vec<f32>], labels: &[i64], device: Device) -> Result<Batch> {
    let tokens: Vec<i32> = std::iter::once(corpus.cls).chain(corpus.tokens.iter().copied()).collect();
    let cells: Vec<CellTokens> = values.iter().map(|values| CellTokens { tokens: &tokens, values }).collect();
    Batch::new(&cells, device)?.with_labels(labels)
}

/// The parts of a loss, by name and weighted.
pub(super) type Parts = Vec<(&'static str, Tensor)>;

/// All parts for a step of the training, computed in `kind`.
pub(super) fn parts(model: &Integrator, hidden: &Hidden, config: &IntegrateConfig, kind: Kind) -> Result<Parts> {
    let x = model.model.forward_learning(kind, &hidden.batch)?;
    let cells = model.model.cell_embeddings(&x, &hidden.batch)?;
    let mut parts: Parts = Vec::new();
    let mut add = |names: [&'static str; 2], (squares, expressed): (Tensor, Option<Tensor>)| {
        parts.push((names[0], squares));
        parts.extend(expressed.map(|expressed| (names[1], expressed)));
    };
    add(["gep", "gep_zero"], hidden.errors(&model.model.expression(&x, &hidden.batch)?)?);
    if config.mvc {
        add(["mvc", "mvc_zero"], hidden.errors(&model.model.expression_of_cells(&cells, &hidden.batch)?)?);
    }
    if config.ecs() {
        let similar = elastic_similarity(&cells, config.ecs_threshold)?;
        parts.push(("ecs", similar.f_mul_scalar(config.ecs_weight)?));
    }
    if let Some(discriminator) = &model.discriminator {
        let logits = discriminator.forward(&cells.f_to_kind(Kind::Float)?)?;
        let entropy = logits.f_cross_entropy_loss::<Tensor>(&hidden.labels, None, Reduction::Mean, -100, 0.0)?;
        parts.push(("dab", entropy.f_mul_scalar(config.dab_weight)?));
    }
    Ok(parts)
}

/// `mean(1 - (relu(cosine) - threshold)^2)` over all pairs of `[n, d]`, that of a cell with itself taken for 0: pushes alike cells
/// together and others apart.
fn elastic_similarity(cells: &Tensor, threshold: f64) -> Result<Tensor> {
    let unit = unit_rows(cells)?;
    let (n, _) = unit.size2()?;
    let others = Tensor::f_eye(n, (Kind::Float, unit.device()))?.f_neg()?.f_add_scalar(1.0)?;
    let cosines = unit.f_matmul(&unit.f_tr()?)?.f_mul(&others)?.f_relu()?; // [n, n]
    Ok(cosines.f_sub_scalar(threshold)?.f_square()?.f_neg()?.f_add_scalar(1.0)?.f_mean(Kind::Float)?)
}

/// The mean squared error of hidden genes from their own representation, as the model stands.
pub(super) fn error(model: &Integrator, hidden: &Hidden) -> Result<f64> {
    let x = model.model.forward(&hidden.batch, model.model.config().nlayers, |_, _| Ok(()))?;
    let (squares, _) = hidden.errors(&model.model.expression(&x, &hidden.batch)?)?;
    Ok(squares.f_double_value(&[])?)
}
