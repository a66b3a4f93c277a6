use tch::{Device, Kind, Tensor};

use super::{Goal, Lesson, Part, step::head, values};
use crate::Result;
use crate::classification::Confusion;
use crate::task::train::network::Network;

/// How good a model is on a part.
#[derive(Debug)]
pub(in crate::task::train) struct Evaluated {
    /// Mean cross-entropy, in nats; of hidden values the loss that is learnt from.
    pub(in crate::task::train) loss: f64,
    /// The mean squared error of the decoder, of hidden values.
    pub(in crate::task::train) squared_error: Option<f64>,
    /// What it says of each item; nothing for hidden genes.
    pub(in crate::task::train) predictions: Predictions,
}

/// Classes of items.
#[derive(Debug, Default)]
pub(in crate::task::train) struct Predictions {
    pub(in crate::task::train) items: Vec<usize>,
    pub(in crate::task::train) truth: Vec<usize>,
    pub(in crate::task::train) predicted: Vec<usize>,
    pub(in crate::task::train) probability: Vec<f64>,
}

impl Predictions {
    pub(in crate::task::train) fn confusion(&self, classes: &[String]) -> Confusion {
        Confusion::new(classes, &self.truth, &self.predicted)
    }
}

impl Lesson<'_> {
    /// Evaluates a part; every item counts the same, whatever its class weighs in training.
    pub(in crate::task::train) fn evaluate(&self, network: &Network, part: Part) -> Result<Evaluated> {
        let _guard = tch::no_grad_guard();
        if let Goal::Hidden(_) = &self.goal {
            let (mut sum, mut count) = (0.0, 0);
            for masked in self.masked(part) {
                sum += self.hidden_loss(network, &masked, false)?.f_double_value(&[])? * masked.places.len() as f64;
                count += masked.places.len();
            }
            return Ok(Evaluated {
                loss: sum / count.max(1) as f64,
                squared_error: None,
                predictions: Predictions::default(),
            });
        }
        if let Goal::Values(_) = &self.goal {
            return self.hidden_values(network, part);
        }
        let log_p = self.log_probabilities(network, part)?;
        let (mut loss, mut predictions) = (0.0, Predictions::default());
        for (&item, log_p) in self.items(part).iter().zip(&log_p) {
            let Some(&truth) = self.class().get(item).filter(|_| !log_p.is_empty()) else { continue };
            let best = log_p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let (predicted, value) = best.map_or((0, f64::MIN), |(class, value)| (class, *value));
            loss -= log_p.get(truth).copied().unwrap_or(0.0);
            predictions.items.push(item);
            predictions.truth.push(truth);
            predictions.predicted.push(predicted);
            predictions.probability.push(value.exp());
        }
        Ok(Evaluated { loss: loss / predictions.items.len().max(1) as f64, squared_error: None, predictions })
    }

    fn hidden_values(&self, network: &Network, part: Part) -> Result<Evaluated> {
        let (mut sums, mut count) = ([0.0; 2], 0);
        for masked in self.masked_values(part) {
            let found = values::loss(network, &masked, false)?;
            for (sum, loss) in sums.iter_mut().zip([found.all, found.squared_error]) {
                *sum += loss.f_double_value(&[])? * masked.places.len() as f64;
            }
            count += masked.places.len();
        }
        let [loss, squared_error] = sums.map(|sum| sum / count.max(1) as f64);
        Ok(Evaluated { loss, squared_error: Some(squared_error), predictions: Predictions::default() })
    }

    /// Log-probabilities of the classes for each item of a part; those of a gene are the mean over the cells that have it.
    fn log_probabilities(&self, network: &Network, part: Part) -> Result<Vec<Vec<f64>>> {
        let encoder = network.encoder()?;
        let items = self.items(part);
        let mut sums: Vec<(f64, Vec<f64>)> = vec![(0.0, Vec::new()); items.len()];
        let mut add = |item: usize, row: &[f64]| {
            let Some((count, sum)) = items.binary_search(&item).ok().and_then(|place| sums.get_mut(place)) else {
                return;
            };
            *count += 1.0;
            sum.resize(row.len(), 0.0);
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        };
        for cells in self.batches(self.cells_of(part)) {
            let represented = network.represent(&encoder, &self.cells(&cells), false)?;
            let logits = head(network)?.forward(&encoder, &represented, false)?.f_log_softmax(1, Kind::Double)?;
            let rows = rows(&logits)?;
            match &self.goal {
                Goal::Genes(genes) => {
                    let flat = cells.iter().flat_map(|&cell| self.tokens(cell));
                    let known = flat.zip(&rows).filter_map(|(token, row)| Some((genes.item(*token)?, row)));
                    known.for_each(|(item, row)| add(item, row));
                }
                _ => cells.iter().zip(&rows).for_each(|(&cell, row)| add(cell, row)),
            }
        }
        let mean = |(count, sum): (f64, Vec<f64>)| sum.into_iter().map(|value| value / count).collect();
        Ok(sums.into_iter().map(mean).collect())
    }
}

/// The rows of `[n, m]`.
fn rows(tensor: &Tensor) -> Result<Vec<Vec<f64>>> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    let width = usize::try_from(tensor.size2()?.1).unwrap_or(1).max(1);
    Ok(values.chunks(width).map(<[f64]>::to_vec).collect())
}
