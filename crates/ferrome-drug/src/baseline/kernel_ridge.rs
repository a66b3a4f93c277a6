//! Kronecker kernel ridge regression (KronRLS, Pahikkala et al., Briefings in Bioinformatics 16, 2015) on any set of pairs:
//! `(S (K_d x K_p) S^T + lambda) a = y - mean`, where `S` picks the observed pairs. The product with the Kronecker kernel is
//! two small matrix products (the vec trick), of which only some entries are needed: the observed ones by the conjugate
//! gradients, and in the end those that are predicted.

mod grid;
mod product;
mod solve;

use ferrome_core::interrupt::Interrupt;

use super::Matrix;
use crate::{Error, Result};

pub use grid::{Choice, Grid};
use product::Product;
use solve::{Stop, conjugate_gradients};

/// Measured pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observations {
    /// Rows of the drug's and the protein's kernel.
    pub pairs: Vec<(usize, usize)>,
    /// What was measured.
    pub values: Vec<f64>,
}

/// The two kernels, `[drugs, drugs]` and `[proteins, proteins]`.
#[derive(Clone, Debug)]
pub struct KernelRidge {
    /// Between drugs.
    pub drugs: Matrix,
    /// Between proteins.
    pub proteins: Matrix,
}

/// What a fit gives.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The prediction of each pair that was asked for.
    pub predictions: Vec<f64>,
    /// Steps of the conjugate gradients.
    pub steps: usize,
}

/// Where a fit stops.
const WHOLE: Stop = Stop { residual: 1e-5, steps: 500 };

/// `exp((s - 1) / width)` of every similarity.
#[must_use]
pub fn exponential(similarities: &Matrix, width: f64) -> Matrix {
    similarities.map(|similarity| ((similarity - 1.0) / width).exp())
}

impl KernelRidge {
    /// Fits observations with this ridge and predicts the pairs `wanted`.
    ///
    /// # Errors
    ///
    /// No observations; a pair outside the kernels; interrupted.
    pub fn fit(
        &self,
        observed: &Observations,
        ridge: f64,
        wanted: &[(usize, usize)],
        interrupt: &Interrupt,
    ) -> Result<Fit> {
        let mut fits = self.fit_each(observed, (&[ridge], WHOLE), wanted, interrupt)?;
        fits.pop().ok_or_else(|| Error::Model("kernel ridge: no ridge".into()))
    }

    /// A fit for each ridge, for little more than one costs.
    fn fit_each(
        &self,
        observed: &Observations,
        (ridges, stop): (&[f64], Stop),
        wanted: &[(usize, usize)],
        interrupt: &Interrupt,
    ) -> Result<Vec<Fit>> {
        let outside = |&&(d, p): &&(usize, usize)| d >= self.drugs.rows || p >= self.proteins.rows;
        if let Some((d, p)) = observed.pairs.iter().chain(wanted).find(outside) {
            let (drugs, proteins) = (self.drugs.rows, self.proteins.rows);
            return Err(Error::Model(format!(
                "kernel ridge: pair ({d}, {p}) is outside {drugs} drugs and {proteins} proteins"
            )));
        }
        let mean = super::mean(&observed.values).filter(|_| observed.pairs.len() == observed.values.len());
        let mean = mean.ok_or_else(|| Error::Model("kernel ridge: no values, or not one for each pair".into()))?;
        let centred: Vec<f64> = observed.values.iter().map(|value| value - mean).collect();
        let product = Product::new(&self.drugs, &self.proteins);
        let (pairs, wanted) = (product.pairs(&observed.pairs), product.pairs(wanted));
        let solved = conjugate_gradients(&centred, ridges, stop, |direction| {
            (!interrupt.is_raised()).then(|| product.entries(&pairs, direction, &pairs))
        });
        let fit = |(weights, steps): (Vec<f64>, usize)| {
            let smooth = product.entries(&pairs, &weights, &wanted);
            Fit { predictions: smooth.into_iter().map(|value| value + mean).collect(), steps }
        };
        Ok(solved.ok_or(Error::Interrupted("kernel ridge, which starts again"))?.into_iter().map(fit).collect())
    }
}

/// In four sums, so that the additions need not wait for each other.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let (ones, others) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest: f64 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 4];
    for (a, b) in ones.zip(others) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + rest
}

fn add(sum: &mut [f64], factor: f64, values: &[f64]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    fn similar(n: usize, reach: f64) -> Matrix {
        Matrix::symmetric(n, |i| (i..n).map(|j| 1.0 - (j - i) as f64 * reach).collect())
    }

    fn observed() -> Observations {
        let pairs: Vec<(usize, usize)> =
            (0..6).flat_map(|d| (0..5).map(move |p| (d, p))).filter(|(d, p)| (d + p) % 3 > 0).collect();
        let values = pairs.iter().map(|&(d, p)| 5.0 + d as f64 * 0.3 - (p as f64 * 0.7).sin()).collect();
        Observations { pairs, values }
    }

    #[test]
    fn solution_satisfies_the_dense_system_whichever_side_is_larger() {
        let (drugs, proteins) = (exponential(&similar(6, 0.1), 0.3), exponential(&similar(5, 0.1), 0.2));
        let Observations { pairs, values } = observed();
        let turned: Vec<(usize, usize)> = pairs.iter().map(|&(d, p)| (p, d)).collect();
        for (drugs, proteins, pairs) in [(&drugs, &proteins, &pairs), (&proteins, &drugs, &turned)] {
            let product = Product::new(drugs, proteins);
            let places = product.pairs(pairs);
            let solved =
                conjugate_gradients(&values, &[0.1], WHOLE, |v| Some(product.entries(&places, v, &places))).unwrap();
            let (weights, steps) = &solved[0];
            assert!(*steps <= pairs.len() + 5, "{steps}");
            for (i, &(d, p)) in pairs.iter().enumerate() {
                let row = pairs.iter().zip(weights).map(|(&(e, q), a)| drugs.at(d, e) * proteins.at(p, q) * a);
                assert!((row.sum::<f64>() + 0.1 * weights[i] - values[i]).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn held_out_pairs_are_predicted_better_than_by_the_mean() {
        let all = observed();
        let split = |keep: fn(usize) -> bool| Observations {
            pairs: all.pairs.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, pair)| *pair).collect(),
            values: all.values.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, value)| *value).collect(),
        };
        let (train, validation) = (split(|i| i % 4 > 0), split(|i| i % 4 == 0));
        let grid = Grid { ridges: vec![1e-3, 1e-1], ..Grid::default() };
        let choice =
            grid.choose((&similar(6, 0.1), &similar(5, 0.1)), &train, &validation, &Interrupt::default()).unwrap();
        let mean = crate::baseline::mean(&train.values).unwrap();
        let floor = metrics::mse(&validation.values, &vec![mean; validation.values.len()]).unwrap();
        assert!(choice.mse < 0.2 * floor, "{} {floor}", choice.mse);
    }

    #[test]
    fn observations_that_do_not_fit() {
        let model = KernelRidge { drugs: similar(2, 0.1), proteins: similar(2, 0.1) };
        let told = |pairs: &[(usize, usize)], values: &[f64]| {
            let observed = Observations { pairs: pairs.to_vec(), values: values.to_vec() };
            model.fit(&observed, 1.0, &[(1, 1)], &Interrupt::default()).unwrap_err().to_string()
        };
        assert_eq!(told(&[(0, 2)], &[1.0]), "model: kernel ridge: pair (0, 2) is outside 2 drugs and 2 proteins");
        let one = Observations { pairs: vec![(0, 1)], values: vec![1.0] };
        let outside = model.fit(&one, 1.0, &[(2, 0)], &Interrupt::default()).unwrap_err().to_string();
        assert_eq!(outside, "model: kernel ridge: pair (2, 0) is outside 2 drugs and 2 proteins");
        assert_eq!(told(&[(0, 1)], &[]), "model: kernel ridge: no values, or not one for each pair");
        let raised = Interrupt::default();
        raised.raise();
        let stopped =
            model.fit(&Observations { values: vec![2.0, 1.0], pairs: vec![(0, 1), (1, 1)] }, 1.0, &[], &raised);
        let told = "interrupted: kernel ridge, which starts again; run the same command again to go on";
        assert_eq!(stopped.unwrap_err().to_string(), told);
    }
}
