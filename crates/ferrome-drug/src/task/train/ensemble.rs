use super::{Data, Quality, Split, TrainConfig, features::Predictions};
use crate::checkpoint::{Calibration, Objective};

/// What the members say of the pairs that chose their epochs.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) calibration: Option<Calibration>,
    pub(super) quality: Quality,
}

impl Joined {
    /// Of members that share their validation pairs, the mean is calibrated; of members that rotate, each on its own pairs,
    /// which promises rather too little of the ensemble.
    pub(super) fn new(config: &TrainConfig, data: &Data, members: &[(&Split, &Predictions)]) -> Self {
        let mut pairs: Vec<usize> = Vec::new();
        let mut all = Predictions::default();
        if config.split.rotate {
            for (split, found) in members {
                pairs.extend(&split.validation);
                let alone = mean(&[found]);
                all.mean.extend(alone.mean);
                all.variance.extend(alone.variance);
                all.logit.extend(alone.logit);
            }
        } else {
            pairs.extend(members.first().into_iter().flat_map(|(split, _)| &split.validation));
            all = mean(&members.iter().map(|(_, found)| *found).collect::<Vec<_>>());
        }
        let quality = Quality::of(&all, data, &pairs, config.objective);
        Self { calibration: calibrate(config, data, &pairs, &all), quality }
    }
}

fn calibrate(config: &TrainConfig, data: &Data, pairs: &[usize], found: &Predictions) -> Option<Calibration> {
    let labels: Vec<bool> = pairs.iter().filter_map(|&i| data.pairs[i].positive).collect();
    if config.objective == Objective::Classification {
        return Calibration::of_logits(&labels, &found.logit);
    }
    let truth: Vec<f64> = pairs.iter().filter_map(|&i| data.pairs[i].value).collect();
    // Without a trained variance the spread of the members is all there is.
    let trained = config.has_variance() || config.count() > 1 && !config.split.rotate;
    let std: Vec<f64> = found.variance.iter().map(|v| if trained { v.sqrt() } else { 0.0 }).collect();
    let calibration = Calibration::of_affinities(&truth, &found.mean, &std)?;
    let logits = if config.objective == Objective::Both { Calibration::of_logits(&labels, &found.logit) } else { None };
    Some(Calibration { temperature: logits.map_or(1.0, |logits| logits.temperature), ..calibration })
}

/// The mean of the members, with the variance of the mixture of their normal distributions.
pub(super) fn mean(members: &[&Predictions]) -> Predictions {
    let n = members.len().max(1) as f64;
    let pairs = members.first().map_or(0, |found| found.mean.len());
    let average = |of: &dyn Fn(&Predictions, usize) -> f64| -> Vec<f64> {
        (0..pairs).map(|i| members.iter().map(|member| of(member, i)).sum::<f64>() / n).collect()
    };
    let mean = average(&|member, i| member.mean[i]);
    let squares = average(&|member, i| member.mean[i].powi(2) + member.variance[i]);
    let variance = squares.iter().zip(&mean).map(|(square, mean)| (square - mean * mean).max(0.0)).collect();
    Predictions { variance, logit: average(&|member, i| member.logit[i]), mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_that_of_the_mixture() {
        let member = |mean: f64| Predictions { mean: vec![mean], variance: vec![0.5], logit: vec![mean] };
        let (one, other) = (member(1.0), member(3.0));
        let expected = Predictions { mean: vec![2.0], variance: vec![1.5], logit: vec![2.0] };
        assert_eq!(mean(&[&one, &other]), expected);
        assert_eq!(mean(&[&one]), one);
    }
}
