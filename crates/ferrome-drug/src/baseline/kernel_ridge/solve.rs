//! Conjugate gradients (Hestenes and Stiefel 1952) for one matrix and several ridges at once: the systems `A + s` share their
//! Krylov space, so that one product with `A` a step serves all of them (Jegerlehner, arXiv:hep-lat/9612014).

use super::{add, dot};

/// When conjugate gradients stop: at this share of the length of the values, or after so many steps.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    pub(super) residual: f64,
    pub(super) steps: usize,
}

/// The system of one ridge: its residual is `scale` times that of the least ridge, which leads.
struct Shifted {
    /// How far its ridge is above the least one.
    shift: f64,
    solution: Vec<f64>,
    direction: Vec<f64>,
    scale: f64,
    scale_before: f64,
    steps: usize,
    done: bool,
}

impl Shifted {
    fn new(shift: f64, values: &[f64]) -> Self {
        let (solution, direction) = (vec![0.0; values.len()], values.to_vec());
        Self { shift, solution, direction, scale: 1.0, scale_before: 1.0, steps: 0, done: false }
    }

    /// The leading system went `length` along its direction, after it had turned by `turn` and gone `length_before`.
    fn advance(&mut self, length: f64, (length_before, turn): (f64, f64)) -> f64 {
        let bent = length * turn * (self.scale_before - self.scale);
        let straight = self.scale_before * length_before * (1.0 + self.shift * length);
        let next = self.scale * self.scale_before * length_before / (bent + straight);
        add(&mut self.solution, length * next / self.scale, &self.direction);
        (self.scale_before, self.scale) = (self.scale, next);
        next
    }

    fn turn(&mut self, turn: f64, residual: &[f64]) {
        let ratio = self.scale / self.scale_before;
        let (turn, scale) = (turn * ratio * ratio, self.scale);
        self.direction.iter_mut().zip(residual).for_each(|(d, r)| *d = scale * r + turn * *d);
    }
}

/// Solves `(A + ridge) x = values` for each ridge; gives every solution with the steps it took. `None` as soon as `product`, which
/// gives `A` times a vector, has none.
pub(super) fn conjugate_gradients(
    values: &[f64],
    ridges: &[f64],
    stop: Stop,
    product: impl Fn(&[f64]) -> Option<Vec<f64>>,
) -> Option<Vec<(Vec<f64>, usize)>> {
    let least = ridges.iter().copied().fold(f64::INFINITY, f64::min);
    let mut systems: Vec<Shifted> = ridges.iter().map(|ridge| Shifted::new(ridge - least, values)).collect();
    let (mut residual, mut direction) = (values.to_vec(), values.to_vec());
    let mut square = dot(&residual, &residual);
    let enough = square * stop.residual * stop.residual;
    let mut before = (1.0, 0.0);
    for step in 0..stop.steps {
        for system in systems.iter_mut().filter(|system| !system.done) {
            system.done = system.scale * system.scale * square <= enough;
            system.steps = step + usize::from(!system.done);
        }
        if systems.iter().all(|system| system.done) {
            break;
        }
        let mut image = product(&direction)?;
        add(&mut image, least, &direction);
        let length = square / dot(&direction, &image);
        add(&mut residual, -length, &image);
        let square_before = std::mem::replace(&mut square, dot(&residual, &residual));
        let turn = square / square_before;
        for system in systems.iter_mut().filter(|system| !system.done) {
            system.advance(length, before);
            system.turn(turn, &residual);
        }
        direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + turn * *d);
        before = (length, turn);
    }
    Some(systems.into_iter().map(|system| (system.solution, system.steps)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Hilbert matrix with a heavier diagonal.
    fn product(vector: &[f64]) -> Option<Vec<f64>> {
        let entry = |i: usize, j: usize| 1.0 / (i + j + 1) as f64 + if i == j { 0.5 } else { 0.0 };
        Some((0..vector.len()).map(|i| vector.iter().enumerate().map(|(j, v)| entry(i, j) * v).sum()).collect())
    }

    #[test]
    fn every_ridge_is_solved_and_the_larger_in_fewer_steps() {
        let values: Vec<f64> = (0..30).map(|i| (f64::from(i) * 0.7).sin() + 0.1).collect();
        let ridges = [1.0, 0.01, 20.0];
        let solved = conjugate_gradients(&values, &ridges, Stop { residual: 1e-10, steps: 100 }, product).unwrap();
        for (ridge, (solution, _)) in ridges.iter().zip(&solved) {
            let image = product(solution).unwrap();
            let worst = (0..30).map(|i| (image[i] + ridge * solution[i] - values[i]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-8, "ridge {ridge}: {worst}");
        }
        let steps: Vec<usize> = solved.iter().map(|(_, steps)| *steps).collect();
        assert!(steps[2] < steps[0] && steps[0] <= steps[1], "{steps:?}");
    }

    #[test]
    fn a_product_that_stops_ends_it() {
        const STOP: Stop = Stop { residual: 1e-6, steps: 9 };
        assert!(conjugate_gradients(&[1.0, 2.0], &[0.1], STOP, |_| None).is_none());
        let solved = conjugate_gradients(&[0.0; 3], &[0.1], STOP, |_| None).unwrap();
        assert_eq!(solved, [(vec![0.0; 3], 0)], "nothing to do for zeros");
    }
}
