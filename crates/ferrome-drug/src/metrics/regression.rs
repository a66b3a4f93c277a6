use super::{ranks, usable};

/// Mean squared error.
#[must_use]
pub fn mse(truth: &[f64], prediction: &[f64]) -> Option<f64> {
    usable(truth, prediction)
        .then(|| truth.iter().zip(prediction).map(|(t, p)| (t - p).powi(2)).sum::<f64>() / truth.len() as f64)
}

/// Pearson's correlation.
#[must_use]
pub fn pearson(truth: &[f64], prediction: &[f64]) -> Option<f64> {
    if !usable(truth, prediction) {
        return None;
    }
    let (t0, p0) = (mean(truth), mean(prediction));
    let (mut tt, mut pp, mut tp) = (0.0, 0.0, 0.0);
    for (t, p) in truth.iter().map(|t| t - t0).zip(prediction.iter().map(|p| p - p0)) {
        tt += t * t;
        pp += p * p;
        tp += t * p;
    }
    (tt > 0.0 && pp > 0.0).then(|| (tp / (tt.sqrt() * pp.sqrt())).clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's over ranks, ties sharing their mean rank.
#[must_use]
pub fn spearman(truth: &[f64], prediction: &[f64]) -> Option<f64> {
    if !usable(truth, prediction) {
        return None;
    }
    pearson(&ranks(truth), &ranks(prediction))
}

/// The modified squared correlation r2 (1 - sqrt(|r2² - r02²|)) as the affinity literature computes it (DeepDTA): r02 is
/// the coefficient of determination of the fit through the origin, and both squares are squared once more.
#[must_use]
pub fn rm2(truth: &[f64], prediction: &[f64]) -> Option<f64> {
    let r2 = pearson(truth, prediction)?.powi(2);
    let dot: f64 = truth.iter().zip(prediction).map(|(t, p)| t * p).sum();
    let slope = dot / prediction.iter().map(|p| p * p).sum::<f64>();
    let t0 = mean(truth);
    let rest: f64 = truth.iter().zip(prediction).map(|(t, p)| (t - slope * p).powi(2)).sum();
    let r02 = 1.0 - rest / truth.iter().map(|t| (t - t0).powi(2)).sum::<f64>();
    Some(r2 * (1.0 - (r2 * r2 - r02 * r02).abs().sqrt()))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
