//! How near a predicted mean expression is to the measured one.

/// Genes that differ most between a condition and the control.
const TOP: usize = 20;

/// The agreement of one prediction with one condition; correlations are none where either side does not vary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Mean squared error over the panel.
    pub mse: f64,
    /// Pearson's correlation of expression.
    pub pearson: Option<f64>,
    /// Of the change against the control.
    pub pearson_change: Option<f64>,
    /// Mean squared error over the 20 genes that change most.
    pub mse_top: f64,
    /// Correlation of expression over these.
    pub pearson_top: Option<f64>,
    /// Of the change over these.
    pub pearson_change_top: Option<f64>,
}

impl Quality {
    /// Compares `predicted` with `measured`, both `[g]`, against `control`; `top` are the genes that change most.
    pub(super) fn of(predicted: &[f64], measured: &[f64], control: &[f64], top: &[usize]) -> Self {
        let change = |x: &[f64]| -> Vec<f64> { x.iter().zip(control).map(|(x, control)| x - control).collect() };
        let pick = |x: &[f64]| -> Vec<f64> { top.iter().filter_map(|&gene| x.get(gene).copied()).collect() };
        let (predicted_change, measured_change) = (change(predicted), change(measured));
        Self {
            mse: mse(predicted, measured),
            pearson: pearson(predicted, measured),
            pearson_change: pearson(&predicted_change, &measured_change),
            mse_top: mse(&pick(predicted), &pick(measured)),
            pearson_top: pearson(&pick(predicted), &pick(measured)),
            pearson_change_top: pearson(&pick(&predicted_change), &pick(&measured_change)),
        }
    }
}

fn mse(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len().max(1) as f64
}

/// Pearson's correlation; none where one side is constant.
pub(super) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut covariance, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        covariance += (x - mean_a) * (y - mean_b);
        square_a += (x - mean_a).powi(2);
        square_b += (y - mean_b).powi(2);
    }
    let scale = (square_a * square_b).sqrt();
    (scale > 1e-12).then(|| covariance / scale)
}

/// The 20 genes with the largest Welch's t between the cells of a condition and of the control, each `[cells][g]`.
pub(super) fn most_changed(condition: &[&[f32]], control: &[&[f32]]) -> Vec<usize> {
    let genes = condition.first().map_or(0, |cell| cell.len());
    let moments = |cells: &[&[f32]], gene: usize| {
        let n = cells.len().max(1) as f64;
        let values = || cells.iter().map(|cell| f64::from(cell[gene]));
        let mean = values().sum::<f64>() / n;
        (mean, values().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n)
    };
    let welch = |gene: usize| {
        let ((mean, error), (base, base_error)) = (moments(condition, gene), moments(control, gene));
        (mean - base).abs() / (error + base_error).sqrt().max(1e-9)
    };
    let scores: Vec<f64> = (0..genes).map(welch).collect();
    let mut order: Vec<usize> = (0..genes).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order.truncate(TOP);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_of_expression_and_of_change() {
        let control = [1.0, 2.0, 3.0, 4.0];
        let measured = [1.0, 2.0, 4.0, 6.0];
        let quality = Quality::of(&[1.0, 2.0, 3.5, 5.0], &measured, &control, &[2, 3]);
        assert!((quality.pearson_change.unwrap() - 1.0).abs() < 1e-12);
        assert!((quality.mse - (0.25 + 1.0) / 4.0).abs() < 1e-12);
        assert!((quality.mse_top - (0.25 + 1.0) / 2.0).abs() < 1e-12);
        // numpy.corrcoef([1, 2, 3.5, 5], [1, 2, 4, 6])[0, 1]
        assert!((quality.pearson.unwrap() - 0.998_615_44).abs() < 1e-6, "{quality:?}");
        assert_eq!(Quality::of(&control, &measured, &control, &[2, 3]).pearson_change, None);
    }

    #[test]
    fn genes_that_change_most() {
        let control: Vec<[f32; 3]> = vec![[1.0, 5.0, 0.0], [1.2, 9.0, 0.1]];
        let condition: Vec<[f32; 3]> = vec![[1.1, 7.0, 2.0], [1.0, 4.0, 2.1]];
        let rows = |x: &'static [[f32; 3]]| x.iter().map(<[f32; 3]>::as_slice).collect::<Vec<_>>();
        let (condition, control) = (condition.leak(), control.leak());
        assert_eq!(most_changed(&rows(condition), &rows(control))[0], 2);
    }
}
