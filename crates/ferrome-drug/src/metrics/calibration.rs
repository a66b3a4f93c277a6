/// Expected calibration error of a classifier: probabilities fall into `bins` of equal width; the mean of |share of
/// positives - mean probability| over the bins, weighted by how many fall into each (Guo et al., ICML 2017).
#[must_use]
pub fn expected_calibration_error(positive: &[bool], probability: &[f64], bins: usize) -> Option<f64> {
    let inside = probability.iter().all(|p| (0.0..=1.0).contains(p));
    if positive.is_empty() || positive.len() != probability.len() || bins == 0 || !inside {
        return None;
    }
    let mut sums = vec![0.0; bins]; // of probability - truth
    for (&positive, &p) in positive.iter().zip(probability) {
        let bin = ((p * bins as f64) as usize).min(bins - 1);
        sums[bin] += p - f64::from(u8::from(positive));
    }
    Some(sums.iter().map(|sum| sum.abs()).sum::<f64>() / positive.len() as f64)
}

/// The share of truths within `half_width` of the prediction.
#[must_use]
pub fn coverage(truth: &[f64], prediction: &[f64], half_width: &[f64]) -> Option<f64> {
    let lengths = truth.len() == prediction.len() && truth.len() == half_width.len();
    let numbers = [truth, prediction, half_width].into_iter().flatten().all(|x| !x.is_nan());
    if truth.is_empty() || !lengths || !numbers {
        return None;
    }
    let inside = truth.iter().zip(prediction).zip(half_width).filter(|((t, p), w)| (**t - **p).abs() <= **w).count();
    Some(inside as f64 / truth.len() as f64)
}

/// How far predicted normal distributions are from their promise: the mean of |covered share - level| over the central
/// intervals of 5 %, 10 %, … 95 %. `std` is the predicted standard deviation of each.
#[must_use]
pub fn regression_calibration_error(truth: &[f64], prediction: &[f64], std: &[f64]) -> Option<f64> {
    let levels = (1..20).map(|i| f64::from(i) / 20.0);
    let errors = levels.map(|level| {
        let quantile = normal_quantile(0.5 + level / 2.0);
        let widths: Vec<f64> = std.iter().map(|std| std * quantile).collect();
        coverage(truth, prediction, &widths).map(|covered| (covered - level).abs())
    });
    errors.sum::<Option<f64>>().map(|sum| sum / 19.0)
}

/// The point below which a standard normal falls with probability `p`; infinite at 0 and 1, NaN outside.
///
/// Acklam's rational approximation (relative error below 1.2e-9).
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    const TAIL: f64 = 0.024_25;
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if p < TAIL {
        let q = (-2.0 * p.ln()).sqrt();
        if q.is_infinite() { f64::NEG_INFINITY } else { polynomial(&C, q) / polynomial(&D, q) }
    } else if p <= 1.0 - TAIL {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / polynomial(&B, q * q)
    } else {
        -normal_quantile(1.0 - p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_weigh_what_falls_into_them() {
        let found = expected_calibration_error(&[true, false, true, true], &[0.9, 0.8, 0.1, 1.0], 2).unwrap();
        assert!((found - (0.7 + 0.9) / 4.0).abs() < 1e-12, "{found}");
        assert_eq!(expected_calibration_error(&[true], &[1.5], 10), None);
        assert_eq!(expected_calibration_error(&[], &[], 10), None);
    }

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.norm.ppf
        for (p, expected) in
            [(0.5, 0.0), (0.975, 1.959963984540054), (0.001, -3.090232306167813), (0.3, -0.5244005127080409)]
        {
            assert!((normal_quantile(p) - expected).abs() < 1e-8, "{p}");
        }
        assert!(normal_quantile(-0.1).is_nan());
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn intervals_cover_what_lies_on_their_edge() {
        assert_eq!(coverage(&[1.0, 2.0, 3.0], &[1.5, 2.0, 5.0], &[0.5, 0.0, 1.0]), Some(2.0 / 3.0));
        assert_eq!(coverage(&[1.0], &[1.0], &[f64::NAN]), None);
    }

    #[test]
    fn normal_errors_of_the_promised_width_are_calibrated() {
        let n = 2000;
        let truth: Vec<f64> = (0..n).map(|i| normal_quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
        let zero = vec![0.0; truth.len()];
        let error = |std: f64| regression_calibration_error(&truth, &zero, &vec![std; truth.len()]).unwrap();
        assert!(error(1.0) < 1e-3, "{}", error(1.0));
        assert!(error(0.5) > 0.15 && error(2.0) > 0.15, "{} {}", error(0.5), error(2.0));
    }
}
