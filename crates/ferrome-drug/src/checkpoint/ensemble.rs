use ferrome_core::nn::Loader;
use ferrome_core::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

use super::{CheckpointConfig, Objective};
use crate::inputs::{Drug, drug_batch, protein_batch};
use crate::model::{Half, PairModel, Predicted, Weights};
use crate::{Error, Result};

/// Pairs that are scored together.
const TOGETHER: usize = 16_384;

/// The members of a model, whose predictions are averaged.
#[derive(Debug)]
pub struct Ensemble {
    config: CheckpointConfig,
    members: Vec<PairModel>,
    device: Device,
}

/// One side as the head of each member looks at it.
#[derive(Debug)]
pub struct Encoded(Vec<Half>);

/// What an ensemble says of pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The affinity in the label's units; where the model was not trained for one, the probability of interaction.
    pub score: Vec<f64>,
    /// Its standard deviation, calibrated where the model is: from the predicted variance and the spread of the members.
    pub std: Vec<f64>,
    /// The probability of interaction; empty where the model was not trained for it.
    pub probability: Vec<f64>,
}

impl Ensemble {
    /// Members that are in memory already, as after training.
    #[must_use]
    pub fn new(config: CheckpointConfig, members: Vec<PairModel>, device: Device) -> Self {
        Self { config, members, device }
    }

    pub(super) fn load(config: &CheckpointConfig, checkpoint: &Checkpoint, device: Device) -> Result<Self> {
        let member = |i: usize| {
            let loader = Loader::new(checkpoint, Kind::Float, device);
            for other in (0..config.members).filter(|&other| other != i) {
                loader.allow_left_over(&format!("members.{other}.*"));
            }
            let below = loader.pp(format!("members.{i}"));
            drop(loader); // nothing else may hold it when the model says that it has all
            PairModel::load(Weights::read(below), config.architecture(i))
        };
        let members = (0..config.members).map(member).collect::<Result<_>>()?;
        Ok(Self { config: config.clone(), members, device })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &CheckpointConfig {
        &self.config
    }

    /// Encodes drugs, all in one batch.
    ///
    /// # Errors
    ///
    /// The drugs were prepared for another model; the device has no room.
    pub fn drugs(&self, drugs: &[&Drug]) -> Result<Encoded> {
        let batch = drug_batch(drugs, &self.config.architectures(), self.device)?;
        self.encode(|member| member.half_of_drugs(&member.drugs(&batch, false)?))
    }

    /// Encodes proteins, all in one batch: the rows of [`crate::inputs::Rows::row`], and sequences.
    ///
    /// # Errors
    ///
    /// Rows of another width than the model's; the device has no room.
    pub fn proteins(&self, rows: &[&[f32]], sequences: &[&[u8]]) -> Result<Encoded> {
        let batch = protein_batch(rows, sequences, &self.config.architectures(), self.device)?;
        self.encode(|member| member.half_of_proteins(&member.proteins(&batch, false)?))
    }

    fn encode(&self, one: impl Fn(&PairModel) -> Result<Half>) -> Result<Encoded> {
        let _guard = tch::no_grad_guard();
        Ok(Encoded(self.members.iter().map(one).collect::<Result<_>>()?))
    }

    /// Scores every drug with every protein, all proteins of the first drug first.
    ///
    /// # Errors
    ///
    /// What is encoded belongs to another model; the device has no room.
    pub fn cross(&self, drugs: &Encoded, proteins: &Encoded) -> Result<Scores> {
        let _guard = tch::no_grad_guard();
        let halves = self.members.iter().zip(drugs.0.iter().zip(&proteins.0));
        let predicted = halves.map(|(member, (drugs, proteins))| member.cross(drugs, proteins));
        Self::scores(predicted, &self.config)
    }

    /// Scores pairs: which drug and which protein each is of, as places in what is encoded.
    ///
    /// # Errors
    ///
    /// A place is outside; what is encoded belongs to another model; the device has no room.
    pub fn pairs(&self, drugs: &Encoded, proteins: &Encoded, pairs: &[(i64, i64)]) -> Result<Scores> {
        let _guard = tch::no_grad_guard();
        let mut scores = Scores::default();
        for some in pairs.chunks(TOGETHER) {
            let (of_drug, of_protein): (Vec<i64>, Vec<i64>) = some.iter().copied().unzip();
            let (drugs, proteins) = (drugs.select(&of_drug)?, proteins.select(&of_protein)?);
            let halves = self.members.iter().zip(drugs.0.iter().zip(&proteins.0));
            let predicted = halves.map(|(member, (drugs, proteins))| member.rows(drugs, proteins));
            scores.extend(Self::scores(predicted, &self.config)?);
        }
        Ok(scores)
    }

    fn scores(predicted: impl Iterator<Item = Result<Predicted>>, config: &CheckpointConfig) -> Result<Scores> {
        Scores::new(&predicted.collect::<Result<Vec<_>>>()?, config)
    }
}

impl Encoded {
    /// A second handle on the same numbers.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(self.0.iter().map(Half::share).collect())
    }

    /// Some rows, in the order of `places`.
    ///
    /// # Errors
    ///
    /// A place is outside; the device has no room.
    pub fn select(&self, places: &[i64]) -> Result<Self> {
        Ok(Self(self.0.iter().map(|half| half.select(places)).collect::<Result<_>>()?))
    }

    /// Several, one after another.
    ///
    /// # Errors
    ///
    /// They belong to different models; the device has no room.
    pub fn concatenated(parts: &[Self]) -> Result<Self> {
        let members = parts.first().map_or(0, |part| part.0.len());
        let of = |member: usize| parts.iter().filter_map(|part| part.0.get(member)).collect::<Vec<_>>();
        Ok(Self((0..members).map(|member| Half::concatenated(&of(member))).collect::<Result<_>>()?))
    }
}

impl Scores {
    /// Adds those of further pairs.
    pub fn extend(&mut self, more: Self) {
        self.score.extend(more.score);
        self.std.extend(more.std);
        self.probability.extend(more.probability);
    }

    /// Joins what the members predict of the same pairs: the moments of the mixture of their normal distributions.
    ///
    /// # Errors
    ///
    /// The device failed.
    pub fn new(members: &[Predicted], config: &CheckpointConfig) -> Result<Self> {
        let (calibration, label) = (config.calibration.as_ref(), &config.label);
        let temperature = calibration.map_or(1.0, |calibration| calibration.temperature);
        let widen = calibration.map_or(1.0, |calibration| calibration.std_scale);
        let affinity = || -> Result<(Vec<f64>, Vec<f64>)> {
            let moments = Moments::of(members, |member| &member.mean, f64::from, config.variance)?;
            let score = moments.means().map(|mean| mean * label.scale + label.center).collect();
            Ok((score, moments.deviations().map(|std| std * label.scale * widen).collect()))
        };
        let probability = || -> Result<(Vec<f64>, Vec<f64>)> {
            let sigmoid = |logit: f32| 1.0 / (1.0 + (-f64::from(logit) / temperature).exp());
            let moments = Moments::of(members, |member| &member.logit, sigmoid, false)?;
            Ok((moments.means().collect(), moments.deviations().collect()))
        };
        Ok(match config.objective {
            Objective::Regression => {
                let (score, std) = affinity()?;
                Self { score, std, probability: Vec::new() }
            }
            Objective::Classification => {
                let (score, std) = probability()?;
                Self { probability: score.clone(), score, std }
            }
            Objective::Both => {
                let (score, std) = affinity()?;
                Self { score, std, probability: probability()?.0 }
            }
        })
    }
}

/// Sums over members for each pair.
struct Moments {
    members: f64,
    /// Of values, of their squares, of variances.
    sums: Vec<[f64; 3]>,
}

impl Moments {
    /// Of `value` of the numbers of `tensor`, and of the predicted variances with `variance`.
    fn of(
        members: &[Predicted],
        tensor: impl Fn(&Predicted) -> &Tensor,
        value: impl Fn(f32) -> f64,
        variance: bool,
    ) -> Result<Self> {
        let mut sums: Vec<[f64; 3]> = Vec::new();
        for member in members {
            let values = numbers(tensor(member))?;
            sums.resize(values.len(), [0.0; 3]);
            for (sums, number) in sums.iter_mut().zip(values) {
                let value = value(number);
                sums[0] += value;
                sums[1] += value * value;
            }
            if variance {
                for (sums, log_variance) in sums.iter_mut().zip(numbers(&member.log_variance)?) {
                    sums[2] += f64::from(log_variance).exp();
                }
            }
        }
        if members.is_empty() {
            return Err(Error::Model("an ensemble without members".into()));
        }
        Ok(Self { members: members.len() as f64, sums })
    }

    fn means(&self) -> impl Iterator<Item = f64> {
        self.sums.iter().map(|sums| sums[0] / self.members)
    }

    fn deviations(&self) -> impl Iterator<Item = f64> {
        self.sums.iter().map(|[sum, squares, variances]| {
            let mean = sum / self.members;
            ((squares + variances) / self.members - mean * mean).max(0.0).sqrt()
        })
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(Vec::<f32>::try_from(flat)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Calibration, config::tests::small};

    fn predicted(mean: f64, variance: f64, logit: f64) -> Predicted {
        let one = |value: f64| Tensor::from_slice(&[value as f32]);
        Predicted { mean: one(mean), log_variance: one(variance.ln()), logit: one(logit) }
    }

    #[test]
    fn scores_are_the_moments_of_the_mixture() {
        let mut config = small(1);
        let members = [predicted(1.0, 0.25, 0.0), predicted(3.0, 0.75, 2.0)];
        let found = Scores::new(&members, &config).unwrap();
        // Mean 2, spread 1, mean variance 0.5; scale 0.9 and center 5.5.
        assert!((found.score[0] - 7.3).abs() < 1e-6 && (found.std[0] - 0.9 * 1.5_f64.sqrt()).abs() < 1e-6, "{found:?}");
        config.variance = false;
        config.calibration = Calibration::of_affinities(&[2.0], &[0.0], &[1.0]);
        let found = Scores::new(&members, &config).unwrap();
        assert!((found.std[0] - 1.8).abs() < 1e-6 && found.probability.is_empty(), "{found:?}");
    }

    #[test]
    fn classifiers_give_probabilities() {
        let mut config = small(1);
        config.objective = Objective::Classification;
        let found = Scores::new(&[predicted(0.0, 1.0, 0.0), predicted(0.0, 1.0, 3.0_f64.ln())], &config).unwrap();
        assert!((found.score[0] - 0.625).abs() < 1e-6 && (found.std[0] - 0.125).abs() < 1e-6, "{found:?}");
        assert_eq!(found.probability, found.score);
    }
}
