use serde::{Deserialize, Serialize};

/// Quantiles that are kept of the conformal scores.
const KEPT: usize = 400;

/// What pairs that the model was not trained on say of its uncertainty.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The pairs it was measured on.
    pub pairs: usize,
    /// What the raw standard deviation is multiplied by.
    pub std_scale: f64,
    /// What logits are divided by.
    pub temperature: f64,
    /// Whether conformal scores are errors over the standard deviation, and not errors themselves.
    pub relative: bool,
    /// Quantiles of the conformal scores at 1/n, 2/n, … 1 of the pairs, ascending.
    pub conformal: Vec<f64>,
}

impl Calibration {
    /// Calibrates affinities: `truth`, `score` and raw `std` of the same pairs. `None` without pairs.
    #[must_use]
    pub fn of_affinities(truth: &[f64], score: &[f64], std: &[f64]) -> Option<Self> {
        let pairs = truth.len().min(score.len()).min(std.len());
        let relative = std.iter().take(pairs).all(|&std| std > 1e-6);
        let rows = || truth.iter().zip(score).zip(std).map(|((truth, score), std)| ((truth - score).abs(), *std));
        let squares: f64 = rows().map(|(error, std)| (error / std).powi(2)).sum();
        let std_scale = if relative && pairs > 0 { (squares / pairs as f64).sqrt() } else { 1.0 };
        let mut scores: Vec<f64> =
            rows().map(|(error, std)| if relative { error / (std * std_scale) } else { error }).collect();
        scores.sort_by(f64::total_cmp);
        let kept = pairs.min(KEPT);
        // Rounded up, so that an interval is rather too wide.
        let conformal = (1..=kept).filter_map(|i| scores.get((i * pairs).div_ceil(kept) - 1).copied()).collect();
        let usable = pairs > 0 && std_scale.is_finite() && std_scale > 0.0;
        usable.then_some(Self { pairs, std_scale, temperature: 1.0, relative, conformal })
    }

    /// The temperature with the least cross entropy (Guo et al., ICML 2017) between 0.05 and 20.
    #[must_use]
    pub fn of_logits(positive: &[bool], logits: &[f64]) -> Option<Self> {
        let loss = |log_temperature: f64| -> f64 {
            let temperature = log_temperature.exp();
            let rows = positive.iter().zip(logits);
            rows.map(|(&positive, logit)| softplus(if positive { -logit } else { *logit } / temperature)).sum()
        };
        let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.05_f64.ln(), 20.0_f64.ln());
        for _ in 0..60 {
            let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
            if loss(a) < loss(b) { high = b } else { low = a }
        }
        let pairs = positive.len().min(logits.len());
        let temperature = f64::midpoint(low, high).exp();
        (pairs > 0).then_some(Self { pairs, std_scale: 1.0, temperature, relative: false, conformal: Vec::new() })
    }

    /// Half of the interval that holds the truth with probability `confidence`, for a calibrated standard deviation; infinite
    /// where so few pairs cannot promise it, `None` without conformal scores.
    #[must_use]
    pub fn half_width(&self, confidence: f64, std: f64) -> Option<f64> {
        let last = self.conformal.last()?;
        // The rank of split conformal prediction, as a share of the pairs.
        let pairs = self.pairs as f64;
        let share = ((pairs + 1.0) * confidence - 1e-9).ceil() / pairs;
        if share > 1.0 {
            return Some(f64::INFINITY);
        }
        let place = (share * self.conformal.len() as f64 - 1e-9).ceil() as usize;
        let score = self.conformal.get(place.saturating_sub(1)).unwrap_or(last);
        Some(if self.relative { score * std } else { *score })
    }
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    // Errors of known sizes, in no order.
    fn sample(n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let quantile = |i: usize| metrics::normal_quantile((i as f64 + 0.5) / n as f64);
        let std: Vec<f64> = (0..n).map(|i| 0.1 + (i * 7919 % n) as f64 / n as f64).collect();
        let truth = (0..n).map(|i| 2.0 * std[i] * quantile(i * 104_729 % n)).collect();
        (truth, vec![0.0; n], std)
    }

    #[test]
    fn intervals_cover_what_they_promise() {
        let (truth, score, std) = sample(5003);
        let calibration = Calibration::of_affinities(&truth, &score, &std).unwrap();
        assert!(calibration.relative && (calibration.std_scale - 2.0).abs() < 0.02, "{}", calibration.std_scale);
        for confidence in [0.5, 0.8, 0.9, 0.99] {
            let widths: Vec<f64> = std
                .iter()
                .map(|std| calibration.half_width(confidence, std * calibration.std_scale).unwrap())
                .collect();
            let covered = metrics::coverage(&truth, &score, &widths).unwrap();
            assert!(covered >= confidence && covered < confidence + 0.01, "{confidence}: {covered}");
        }
    }

    #[test]
    fn models_without_uncertainty_get_intervals_of_one_width() {
        let truth: Vec<f64> = (1..=9).map(f64::from).collect();
        let calibration = Calibration::of_affinities(&truth, &[0.0; 9], &[0.0; 9]).unwrap();
        assert_eq!(calibration.half_width(0.5, 0.0), Some(5.0));
        assert_eq!(calibration.half_width(0.9, 0.0), Some(9.0));
        assert_eq!(calibration.half_width(0.95, 0.0), Some(f64::INFINITY));
    }

    #[test]
    fn no_pairs_no_calibration() {
        assert_eq!(Calibration::of_affinities(&[], &[], &[]), None);
        assert_eq!(Calibration::of_logits(&[], &[]), None);
    }

    #[test]
    fn temperature_undoes_overconfidence() {
        // Right in three of four cases, hence a logit of ln 3 and not of 4 ln 3.
        let logits: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 } * 4.0 * 3.0_f64.ln()).collect();
        let positive: Vec<bool> = (0..400).map(|i| (i % 2 == 0) == (i / 2 % 4 != 0)).collect();
        let calibration = Calibration::of_logits(&positive, &logits).unwrap();
        assert!((calibration.temperature - 4.0).abs() < 1e-3, "{}", calibration.temperature);
        assert_eq!(calibration.half_width(0.9, 1.0), None);
    }
}
