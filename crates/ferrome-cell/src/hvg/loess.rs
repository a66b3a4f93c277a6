//! Local quadratic regression of one variable: Cleveland and Grosse's `dloess`, as scikit-misc and R call it by default.
//!
//! The curve is not computed at every point. The range is cut at medians until each cell holds few points; at the ends of
//! the cells a parabola is fitted to the nearest points, by weighted least squares with tricube weights; between them runs
//! the cubic through the values and slopes of the fits. Following the same cuts matters: on real genes the interpolated
//! curve differs from the exact regression by more than the distance between neighbouring ranks.
//!
//! Source: Cleveland and Grosse 1991, *Computational methods for local regression*; the netlib routines.

mod cells;
mod fit;

use cells::vertices;
use fit::{Fit, fit};

/// The share of the neighbourhood that a cell of the partition may hold.
const CELL: f64 = 0.2;

/// Why there is no curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unfit {
    /// Fewer than four points in a neighbourhood.
    TooFew,
    /// All points of a neighbourhood have the same abscissa.
    NoWidth,
}

/// The smoothed ordinate at every `x`; `span` is the share of points in each neighbourhood.
///
/// # Errors
///
/// There are too few points, or too many with the same abscissa.
pub(super) fn smooth(x: &[f64], y: &[f64], span: f64) -> Result<Vec<f64>, Unfit> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let abscissas: Vec<f64> = order.iter().map(|&i| x[i]).collect();
    let ordinates: Vec<f64> = order.iter().map(|&i| y[i]).collect();
    let n = x.len() as f64;
    let neighbours = ((n * span + 1e-5) as usize).min(x.len());
    if neighbours < 4 {
        return Err(Unfit::TooFew);
    }
    let at = vertices(&abscissas, (n * (span * CELL)) as usize);
    let fits =
        at.iter().map(|&vertex| fit(&abscissas, &ordinates, neighbours, vertex)).collect::<Result<Vec<_>, _>>()?;
    Ok(x.iter().map(|&x| interpolate(&fits, x)).collect())
}

/// The cubic between the two fits around `x`.
fn interpolate(fits: &[Fit], x: f64) -> f64 {
    let right = fits.partition_point(|fit| fit.at < x).clamp(1, fits.len() - 1);
    let (left, right) = (&fits[right - 1], &fits[right]);
    let width = right.at - left.at;
    let h = (x - left.at) / width;
    let (far, near) = ((1.0 - h) * (1.0 - h), h * h);
    let values = far * (1.0 + 2.0 * h) * left.value + near * (3.0 - 2.0 * h) * right.value;
    values + (h * far * left.slope + near * (h - 1.0) * right.slope) * width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parabola_is_its_own_curve() {
        let x: Vec<f64> = (0..300).map(|i| f64::from(i) * 0.01).collect();
        let y: Vec<f64> = x.iter().map(|x| 1.0 - 2.0 * x + 0.5 * x * x).collect();
        let worst = smooth(&x, &y, 0.3).unwrap().iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12, "{worst}");
    }

    #[test]
    fn curve_of_scikit_misc() {
        let numbers = 0..120_i32;
        let x: Vec<f64> = numbers.clone().map(|i| f64::from((i * i * 7 + i * 3) % 101) / 10.0).collect();
        let noise = numbers.map(|i| f64::from((i * 37) % 11) / 10.0);
        let y: Vec<f64> = x.iter().zip(noise).map(|(x, noise)| x * (10.0 - x) / (1.0 + x) + noise).collect();
        // skmisc.loess.loess(x, y, span=0.3, degree=2), scikit-misc 0.5.3, every twelfth fitted value; the exact regression
        // (surface="direct") is up to 0.02 away.
        let expected = [
            0.6198952361902335,
            5.5833242750815355,
            3.6787401095089027,
            1.3795391773652053,
            5.15180047153023,
            5.838710637283167,
            5.045211319028631,
            4.4897868505712895,
            4.094730602124403,
            3.934393978288842,
        ];
        let got = smooth(&x, &y, 0.3).unwrap();
        let worst = got.iter().step_by(12).zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12, "{worst}");
    }

    #[test]
    fn too_few_points() {
        assert_eq!(smooth(&[1.0, 2.0, 3.0, 4.0], &[1.0; 4], 0.3), Err(Unfit::TooFew));
    }

    #[test]
    fn points_of_one_abscissa() {
        assert_eq!(smooth(&[1.0; 40], &[1.0; 40], 0.3), Err(Unfit::NoWidth));
    }
}
