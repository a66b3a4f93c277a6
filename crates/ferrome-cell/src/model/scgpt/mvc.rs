//! Expression from the cell's vector and the gene alone: `MVCDecoder` in its three styles, which the checkpoint's shapes tell apart.
//!
//! ```text
//! query = sigmoid(gene2query(gene))
//! inner product:  W(query) . cell                              expressed = sigmoid(W_zero_logit(query) . cell)
//! concat query:   fc2(prelu(fc1([cell, query])))               gene2query and fc1 of width 64
//! sum query:      fc2(prelu(fc1(cell + query)))                fc1 of width 64
//! ```

use ferrome_core::nn::{Linear, Loader};
use tch::Tensor;

use super::decoders::Expression;
use super::embeddings::linear_parameters;
use super::{Batch, Config, named};
use crate::Result;

/// Width of the hidden layer, and of the query where it is put beside the cell.
const HIDDEN: i64 = 64;

#[derive(Debug)]
pub(super) struct MvcDecoder {
    gene2query: Linear,
    style: Style,
}

#[derive(Debug)]
enum Style {
    InnerProduct { w: Linear, w_zero_logit: Option<Linear> },
    ConcatQuery(Hidden),
    SumQuery(Hidden),
}

/// A hidden layer with one learnt slope below 0, and what is read off it.
#[derive(Debug)]
struct Hidden {
    fc1: Linear,
    slope: Tensor,
    fc2: Linear,
}

impl MvcDecoder {
    pub(super) fn load(weights: &Loader, config: &Config) -> Result<Option<Self>> {
        let d = config.embsize;
        // The cell's vector has the one of its batch behind it where the model has a table of batches.
        let inputs = if config.use_batch_labels { 2 * d } else { d };
        if weights.has("W.weight") {
            let zero = weights.has("W_zero_logit.weight").then(|| Linear::load(&weights.pp("W_zero_logit"), d, inputs));
            let w = Linear { weight: weights.tensor("W.weight", &[inputs, d])?, bias: None };
            let style = Style::InnerProduct { w, w_zero_logit: zero.transpose()? };
            return Ok(Some(Self { gene2query: Linear::load(&weights.pp("gene2query"), d, d)?, style }));
        }
        let Some(shape) = weights.shape("fc1.weight") else { return Ok(None) };
        let concat = shape.get(1) == Some(&(inputs + HIDDEN));
        let queries = if concat { HIDDEN } else { inputs };
        let hidden = Hidden::load(weights, if concat { inputs + HIDDEN } else { inputs })?;
        let style = if concat { Style::ConcatQuery(hidden) } else { Style::SumQuery(hidden) };
        Ok(Some(Self { gene2query: Linear::load(&weights.pp("gene2query"), d, queries)?, style }))
    }

    pub(super) fn share(&self) -> Self {
        let style = match &self.style {
            Style::InnerProduct { w, w_zero_logit } => {
                Style::InnerProduct { w: w.share(), w_zero_logit: w_zero_logit.as_ref().map(Linear::share) }
            }
            Style::ConcatQuery(hidden) => Style::ConcatQuery(hidden.share()),
            Style::SumQuery(hidden) => Style::SumQuery(hidden.share()),
        };
        Self { gene2query: self.gene2query.share(), style }
    }

    pub(super) fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = named("gene2query", linear_parameters(&self.gene2query));
        match &self.style {
            Style::InnerProduct { w, w_zero_logit } => {
                all.extend(named("W", linear_parameters(w)));
                all.extend(named("W_zero_logit", w_zero_logit.as_ref().map(linear_parameters).unwrap_or_default()));
            }
            Style::ConcatQuery(hidden) | Style::SumQuery(hidden) => all.extend(hidden.parameters()),
        }
        all
    }

    /// Cells `[n, inputs]` and the embeddings of their genes `[t, d]`: `[t]`.
    pub(super) fn forward(&self, cells: &Tensor, genes: &Tensor, batch: &Batch) -> Result<Expression> {
        let query = self.gene2query.forward(genes)?.f_sigmoid()?;
        let cells = cells.f_index_select(0, batch.rows())?; // [n, inputs] -> [t, inputs]
        let (values, expressed) = match &self.style {
            Style::InnerProduct { w, w_zero_logit } => {
                let ask = |w: &Linear| -> Result<Tensor> {
                    let products = w.forward(&query)?.f_mul(&cells)?;
                    Ok(products.f_sum_dim_intlist([1_i64].as_slice(), false, None)?)
                };
                let expressed = w_zero_logit.as_ref().map(|w| Ok::<_, crate::Error>(ask(w)?.f_sigmoid()?));
                (ask(w)?, expressed.transpose()?)
            }
            Style::ConcatQuery(hidden) => (hidden.forward(&Tensor::f_cat(&[&cells, &query], 1)?)?, None),
            Style::SumQuery(hidden) => (hidden.forward(&cells.f_add(&query)?)?, None),
        };
        Ok(Expression { values, expressed })
    }
}

impl Hidden {
    fn load(weights: &Loader, inputs: i64) -> Result<Self> {
        Ok(Self {
            fc1: Linear::load(&weights.pp("fc1"), inputs, HIDDEN)?,
            slope: weights.tensor("hidden_activation.weight", &[1])?,
            fc2: Linear::load(&weights.pp("fc2"), HIDDEN, 1)?,
        })
    }

    fn share(&self) -> Self {
        Self { fc1: self.fc1.share(), slope: self.slope.shallow_clone(), fc2: self.fc2.share() }
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = named("fc1", linear_parameters(&self.fc1));
        all.push(("hidden_activation.weight".to_owned(), &self.slope));
        all.extend(named("fc2", linear_parameters(&self.fc2)));
        all
    }

    /// `[t, inputs] -> [t]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = self.fc1.forward(x)?;
        let hidden = hidden.f_prelu(&self.slope.f_to_kind(hidden.f_kind()?)?)?;
        Ok(self.fc2.forward(&hidden)?.f_squeeze_dim(1)?)
    }
}
