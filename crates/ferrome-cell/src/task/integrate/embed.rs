//! Vectors of the cells: of a model as it was given, and of one that has learnt.

use tch::{Kind, Tensor};

use super::Corpus;
use super::loss::pack;
use crate::Result;
use crate::model::scgpt::{Batch, CellTokens, ScGpt};
use crate::neighbours::unit_rows;
use crate::reduction::Pca;

/// Tokens that are computed at a time.
const TOKENS: usize = 16_384;
/// Components of the cells without a model, as scanpy takes.
const COMPONENTS: usize = 50;
/// Cells that components are measured on.
const MEASURED: usize = 5000;

/// Of a model that has learnt, over the whole panel: `[c, d]`, of length 1.
pub(super) fn integrated(corpus: &Corpus, model: &ScGpt) -> Result<Tensor> {
    let at_a_time = (TOKENS / (corpus.genes.len() + 1)).max(1);
    let all: Vec<usize> = (0..corpus.len()).collect();
    let pieces = all.chunks(at_a_time).map(|cells| {
        let shown = |&cell: &usize| std::iter::once(0.0).chain(corpus.bins(cell).iter().copied()).collect();
        let values: Vec<Vec<f32>> = cells.iter().map(shown).collect();
        let labels: Vec<i64> = cells.iter().map(|&cell| corpus.batch[cell] as i64).collect();
        vectors(model, &pack(corpus, &values, &labels, model.device())?)
    });
    Ok(Tensor::f_cat(&pieces.collect::<Result<Vec<_>>>()?, 0)?)
}

/// Of a model as it was given, over the panel's genes that a cell has, as `embed_data` of scGPT takes them: `[c, d]`, of length 1.
pub(super) fn frozen(corpus: &Corpus, model: &ScGpt) -> Result<Tensor> {
    let (mut pieces, mut first) = (Vec::new(), 0);
    while first < corpus.frozen.len() {
        let (mut end, mut tokens) = (first, 0);
        while let Some((next, _)) =
            corpus.frozen.get(end).filter(|(next, _)| end == first || tokens + next.len() <= TOKENS)
        {
            (tokens, end) = (tokens + next.len(), end + 1);
        }
        let cells = corpus.frozen.get(first..end).unwrap_or_default().iter();
        let cells: Vec<CellTokens> = cells.map(|(tokens, values)| CellTokens { tokens, values }).collect();
        pieces.push(vectors(model, &Batch::new(&cells, model.device())?)?);
        first = end;
    }
    Ok(Tensor::f_cat(&pieces, 0)?)
}

fn vectors(model: &ScGpt, batch: &Batch) -> Result<Tensor> {
    let x = model.forward(batch, model.config().nlayers, |_, _| Ok(()))?;
    Ok(unit_rows(&model.cell_embeddings(&x, batch)?)?.f_to_device(tch::Device::Cpu)?)
}

/// Principal components of the logarithms over the panel, without a model: `[c, k]`. They are measured on the first cells of a
/// stride where there are many.
pub(super) fn components(corpus: &Corpus) -> Result<Tensor> {
    let shape = [corpus.len() as i64, corpus.genes.len() as i64];
    let rows = Tensor::f_from_slice(&corpus.logs)?.f_view(shape)?;
    let stride = corpus.len().div_ceil(MEASURED).max(1);
    let some: Vec<i64> = (0..corpus.len()).step_by(stride).map(|cell| cell as i64).collect();
    let pca = Pca::fit(&rows.f_index_select(0, &Tensor::f_from_slice(&some)?)?, COMPONENTS)?;
    Ok(pca.apply(&rows)?.f_to_kind(Kind::Float)?)
}
