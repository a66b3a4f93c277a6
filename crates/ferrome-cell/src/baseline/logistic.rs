use std::collections::VecDeque;

use tch::{Kind, Tensor};

use super::largest;
use crate::Result;

/// Multinomial logistic regression with a penalty on the squares of the weights.
#[derive(Debug)]
pub struct Logistic {
    /// `[d, classes]`.
    weight: Tensor,
    /// `[classes]`.
    bias: Tensor,
}

const STEPS: usize = 300;
const MEMORY: usize = 10;

impl Logistic {
    /// Minimises `sum of cross-entropies + |W|^2 / (2 c)` by L-BFGS, as scikit-learn does.
    ///
    /// `rows` is `[n, d]`; `classes` are below `count`.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn fit(rows: &Tensor, classes: &[usize], count: usize, c: f64) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let (n, d) = rows.size2()?;
        let classes: Vec<i64> = classes.iter().map(|&class| i64::try_from(class).unwrap_or(0)).collect();
        let count = i64::try_from(count).unwrap_or(1);
        let problem = Problem {
            rows: rows.f_to_kind(Kind::Double)?,
            truth: Tensor::f_from_slice(&classes)?.f_one_hot(count)?.f_to_kind(Kind::Double)?,
            penalty: 1.0 / (c * n.max(1) as f64),
            shape: (d, count),
        };
        let found = minimise(&problem)?;
        let (weight, bias) = problem.parts(&found)?;
        Ok(Self { weight: weight.f_to_kind(Kind::Float)?, bias: bias.f_to_kind(Kind::Float)? })
    }

    /// The most probable class of each row of `[m, d]`.
    ///
    /// # Errors
    ///
    /// `rows` has another width.
    pub fn predict(&self, rows: &Tensor) -> Result<Vec<usize>> {
        let _guard = tch::no_grad_guard();
        largest(&rows.f_to_kind(Kind::Float)?.f_matmul(&self.weight)?.f_add(&self.bias)?)
    }
}

struct Problem {
    /// `[n, d]`.
    rows: Tensor,
    /// `[n, classes]`, ones and zeros.
    truth: Tensor,
    penalty: f64,
    shape: (i64, i64),
}

impl Problem {
    fn parts(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (d, count) = self.shape;
        Ok((x.f_narrow(0, 0, d * count)?.f_view([d, count])?, x.f_narrow(0, d * count, count)?))
    }

    /// Mean loss and its gradient.
    fn at(&self, x: &Tensor) -> Result<(f64, Tensor)> {
        let (weight, bias) = self.parts(x)?;
        let n = self.rows.size2()?.0.max(1) as f64;
        let log_p = self.rows.f_matmul(&weight)?.f_add(&bias)?.f_log_softmax(1, Kind::Double)?; // [n, classes]
        let entropy = log_p.f_mul(&self.truth)?.f_sum(Kind::Double)?.f_double_value(&[])? / -n;
        let square = weight.f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
        let off = log_p.f_exp()?.f_sub(&self.truth)?.f_div_scalar(n)?; // [n, classes]
        let slope = self.rows.f_tr()?.f_matmul(&off)?.f_add(&weight.f_mul_scalar(self.penalty)?)?; // [d, classes]
        let slope_of_bias = off.f_sum_dim_intlist(0, false, Kind::Double)?;
        let gradient = Tensor::f_cat(&[slope.f_reshape(-1)?, slope_of_bias], 0)?;
        Ok((entropy + 0.5 * self.penalty * square, gradient))
    }
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(a.f_dot(b)?.f_double_value(&[])?)
}

/// L-BFGS with backtracking (Nocedal and Wright, Numerical Optimization, algorithm 7.4).
fn minimise(problem: &Problem) -> Result<Tensor> {
    let (d, count) = problem.shape;
    let mut x = Tensor::f_zeros([d * count + count], (Kind::Double, problem.rows.device()))?;
    let (mut loss, mut gradient) = problem.at(&x)?;
    let mut memory: VecDeque<(Tensor, Tensor, f64)> = VecDeque::new();
    for _ in 0..STEPS {
        if gradient.f_abs()?.f_max()?.f_double_value(&[])? < 1e-6 {
            break;
        }
        let mut direction = descent(&memory, &gradient)?;
        let mut slope = dot(&direction, &gradient)?;
        if slope >= 0.0 {
            memory.clear();
            direction = gradient.f_neg()?;
            slope = dot(&direction, &gradient)?;
        }
        let mut step = 1.0;
        let next = loop {
            let tried = x.f_add(&direction.f_mul_scalar(step)?)?;
            let (tried_loss, tried_gradient) = problem.at(&tried)?;
            if tried_loss <= loss + 1e-4 * step * slope {
                break Some((tried, tried_loss, tried_gradient));
            }
            step *= 0.5;
            if step < 1e-10 {
                break None;
            }
        };
        let Some((tried, tried_loss, tried_gradient)) = next else { break };
        let (moved, turned) = (tried.f_sub(&x)?, tried_gradient.f_sub(&gradient)?);
        let curvature = dot(&moved, &turned)?;
        if curvature > 1e-14 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((moved, turned, curvature));
        }
        (x, loss, gradient) = (tried, tried_loss, tried_gradient);
    }
    Ok(x)
}

fn descent(memory: &VecDeque<(Tensor, Tensor, f64)>, gradient: &Tensor) -> Result<Tensor> {
    let mut q = gradient.f_neg()?;
    let mut parts = Vec::with_capacity(memory.len());
    for (moved, turned, curvature) in memory.iter().rev() {
        let part = dot(moved, &q)? / curvature;
        q = q.f_sub(&turned.f_mul_scalar(part)?)?;
        parts.push(part);
    }
    if let Some((_, turned, curvature)) = memory.back() {
        q = q.f_mul_scalar(curvature / dot(turned, turned)?)?;
    }
    for ((moved, turned, curvature), part) in memory.iter().zip(parts.into_iter().rev()) {
        let back = dot(turned, &q)? / curvature;
        q = q.f_add(&moved.f_mul_scalar(part - back)?)?;
    }
    Ok(q)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn separable_classes_are_told_apart() {
        tch::manual_seed(1);
        let centres = Tensor::from_slice2(&[[3.0_f32, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]]);
        let classes: Vec<usize> = (0..90).map(|i| i % 3).collect();
        let places: Vec<i64> = classes.iter().map(|&c| c as i64).collect();
        let noise = Tensor::randn([90, 3], (Kind::Float, Device::Cpu)) * 0.3;
        let rows = centres.index_select(0, &Tensor::from_slice(&places)) + noise;
        let model = Logistic::fit(&rows, &classes, 3, 1.0).unwrap();
        assert_eq!(model.predict(&rows).unwrap(), classes);
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        // scikit-learn 1.9.1: LogisticRegression(C=1, tol=1e-10).fit([[0], [1], [2], [3], [4]], [0, 1, 2, 0, 2]).coef_
        let expected = [-0.170_107, -0.325_928, 0.496_035];
        let rows = Tensor::from_slice2(&[[0.0_f32], [1.0], [2.0], [3.0], [4.0]]);
        let model = Logistic::fit(&rows, &[0, 1, 2, 0, 2], 3, 1.0).unwrap();
        for (class, expected) in (0..).zip(expected) {
            let found = model.weight.double_value(&[0, class]);
            assert!((found - expected).abs() < 1e-4, "{class}: {found}");
        }
    }
}
