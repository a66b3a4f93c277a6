use tch::{Reduction, Tensor};

use super::Trainer;
use crate::{
    Error, Result,
    checkpoint::Objective,
    inputs::{Drug, drug_batch},
    model::Predicted,
    task::train::{Loss, Pair, TrainConfig, batches::Step},
};

impl Trainer<'_> {
    /// How far the model is from the pairs of a step.
    pub(super) fn loss(&mut self, step: &Step) -> Result<Tensor> {
        let run = self.run;
        let (model, device) = (&self.lesson.model, run.device);
        if self.last.as_ref().is_none_or(|(drugs, _)| *drugs != step.drugs) {
            let drugs: Vec<&Drug> = step.drugs.iter().map(|&i| &run.drugs[i]).collect();
            self.last = Some((step.drugs.clone(), drug_batch(&drugs, &[model], device)?));
        }
        let none = || Error::Model("a step without drugs".into());
        let (_, drugs) = self.last.as_ref().ok_or_else(none)?;
        let proteins = self.lesson.rows.batch(run.data, &step.proteins, model, device)?;
        let (of_drug, of_protein): (Vec<i64>, Vec<i64>) = step.places.iter().copied().unzip();
        let places = [of_drug, of_protein].map(|places| Tensor::f_from_slice(&places));
        let [of_drug, of_protein] = places;
        let (of_drug, of_protein) = (of_drug?.f_to_device(device)?, of_protein?.f_to_device(device)?);
        let (x, y) = (self.model.drugs(drugs, true)?, self.model.proteins(&proteins, true)?);
        let predicted = self.model.pairs(&x, &y, (&of_drug, &of_protein), true)?;
        self.compare(&predicted, step)
    }

    fn compare(&self, predicted: &Predicted, step: &Step) -> Result<Tensor> {
        let (config, data) = (self.run.config, self.run.data);
        let (center, scale) = self.lesson.label;
        let column = |of: &dyn Fn(&Pair) -> f64| -> Result<Tensor> {
            let numbers: Vec<f32> = step.pairs.iter().map(|&i| of(&data.pairs[i]) as f32).collect();
            Ok(Tensor::f_from_slice(&numbers)?.f_to_device(self.run.device)?)
        };
        let affinity = || -> Result<Tensor> {
            let truth = column(&|pair| (pair.value.unwrap_or(center) - center) / scale)?;
            affinity_loss(predicted, &truth, config)
        };
        let interaction = || -> Result<Tensor> {
            let truth = column(&|pair| f64::from(u8::from(pair.positive == Some(true))))?;
            let logit = &predicted.logit;
            Ok(logit.f_binary_cross_entropy_with_logits::<Tensor>(&truth, None, None, Reduction::Mean)?)
        };
        match config.objective {
            Objective::Regression => affinity(),
            Objective::Classification => interaction(),
            Objective::Both => Ok(affinity()?.f_add(&interaction()?)?),
        }
    }
}

fn affinity_loss(predicted: &Predicted, truth: &Tensor, config: &TrainConfig) -> Result<Tensor> {
    let likelihood = |mean: &Tensor| -> Result<Tensor> {
        let relative = mean.f_sub(truth)?.f_square()?.f_mul(&predicted.log_variance.f_neg()?.f_exp()?)?;
        Ok(relative.f_add(&predicted.log_variance)?.f_mean(tch::Kind::Float)?.f_mul_scalar(0.5)?)
    };
    match config.loss {
        Loss::Gaussian => likelihood(&predicted.mean),
        Loss::Mse => {
            let squares = predicted.mean.f_mse_loss(truth, Reduction::Mean)?;
            if config.variance_weight <= 0.0 {
                return Ok(squares);
            }
            // The variance learns from the error, not the mean from the variance.
            let variance = likelihood(&predicted.mean.f_detach()?)?;
            Ok(squares.f_add(&variance.f_mul_scalar(config.variance_weight)?)?)
        }
    }
}
