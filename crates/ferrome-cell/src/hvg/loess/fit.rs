//! The parabola at one point, by weighted least squares.

use super::Unfit;

/// The fit at one end of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// Where.
    pub(super) at: f64,
    /// The value of the parabola there.
    pub(super) value: f64,
    /// Its slope there.
    pub(super) slope: f64,
}

/// Fits a parabola around `at` to the nearest `neighbours` of points in the order of `x`.
pub(super) fn fit(x: &[f64], y: &[f64], neighbours: usize, at: f64) -> Result<Fit, Unfit> {
    let squared = |i: usize| (x[i] - at) * (x[i] - at);
    let mut first = 0;
    while first + neighbours < x.len() && squared(first + neighbours) < squared(first) {
        first += 1;
    }
    let last = first + neighbours - 1;
    let radius = squared(first).max(squared(last));
    if radius <= 0.0 {
        return Err(Unfit::NoWidth);
    }
    let mut columns = [const { Vec::new() }; 3];
    let mut target = Vec::with_capacity(neighbours);
    for i in first..=last {
        let distance = (squared(i) / radius).sqrt();
        let weight = (1.0 - distance.powi(3)).powi(3).max(0.0).sqrt();
        let offset = x[i] - at;
        columns[0].push(weight);
        columns[1].push(weight * offset);
        columns[2].push(weight * offset * offset);
        target.push(weight * y[i]);
    }
    if columns[0].iter().all(|&weight| weight == 0.0) {
        return Err(Unfit::NoWidth);
    }
    let [value, slope, _] = least_squares(columns, &target);
    Ok(Fit { at, value, slope })
}

/// The coefficients of three columns nearest to `target`: by singular values, of which those at rounding error are left out.
fn least_squares(mut columns: [Vec<f64>; 3], target: &[f64]) -> [f64; 3] {
    let mut norms = [1.0; 3];
    for (column, norm) in columns.iter_mut().zip(&mut norms) {
        let length = dot(column, column).sqrt();
        if length > 0.0 {
            column.iter_mut().for_each(|value| *value /= length);
            *norm = length;
        }
    }
    // Rotations make the columns orthogonal; their lengths are then the singular values.
    let mut rotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut turned = true;
    for _ in 0..40 {
        if !turned {
            break;
        }
        turned =
            [(0, 1), (0, 2), (1, 2)].into_iter().fold(false, |any, pair| turn(&mut columns, &mut rotation, pair) | any);
    }
    let squares = columns.each_ref().map(|column| dot(column, column));
    let largest = squares.iter().copied().fold(0.0, f64::max).sqrt();
    let mut coefficients = [0.0; 3];
    for ((column, &square), along) in columns.iter().zip(&squares).zip(&rotation) {
        if square.sqrt() > largest * 100.0 * f64::EPSILON {
            let share = dot(column, target) / square;
            coefficients.iter_mut().zip(along).for_each(|(sum, &part)| *sum += share * part);
        }
    }
    for (coefficient, norm) in coefficients.iter_mut().zip(norms) {
        *coefficient /= norm;
    }
    coefficients
}

/// Rotates two columns so that they are orthogonal; whether they were not.
fn turn(columns: &mut [Vec<f64>; 3], rotation: &mut [[f64; 3]; 3], (p, q): (usize, usize)) -> bool {
    let (pp, qq, pq) = (dot(&columns[p], &columns[p]), dot(&columns[q], &columns[q]), dot(&columns[p], &columns[q]));
    if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() {
        return false;
    }
    let zeta = (qq - pp) / (2.0 * pq);
    let tangent = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let sine = cosine * tangent;
    let rotate = |a: &mut f64, b: &mut f64| (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    if let Ok([a, b]) = columns.get_disjoint_mut([p, q]) {
        a.iter_mut().zip(b).for_each(|(a, b)| rotate(a, b));
    }
    if let Ok([a, b]) = rotation.get_disjoint_mut([p, q]) {
        a.iter_mut().zip(b).for_each(|(a, b)| rotate(a, b));
    }
    true
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
