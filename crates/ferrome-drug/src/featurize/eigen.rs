//! Eigenvalues and eigenvectors of a symmetric matrix: Householder's tridiagonal form, then the implicit QL iteration
//! (Wilkinson and Reinsch, Handbook for Automatic Computation II, 1971).

/// The eigenvalues, ascending, and their vectors as rows of a matrix; `matrix` is `[n, n]` and symmetric.
pub(super) fn symmetric(matrix: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    if n == 0 {
        return (Vec::new(), Vec::new());
    }
    let mut vectors = matrix;
    let (mut diagonal, mut beside) = tridiagonal(&mut vectors, n);
    accumulate(&mut vectors, &mut diagonal, n);
    // Rows are cheaper to rotate than columns.
    transpose(&mut vectors, n);
    iterate(&mut diagonal, &mut beside, &mut vectors, n);
    sorted(&diagonal, &vectors, n)
}

/// Reduces `a` to tridiagonal form; leaves the reflections in `a` and gives the diagonal (their norms, to be resolved by
/// [`accumulate`]) and the elements beside it.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut norms, mut beside) = (vec![0.0; n], vec![0.0; n]);
    for i in (1..n).rev() {
        let scale: f64 = a[i * n..i * n + i].iter().map(|x| x.abs()).sum();
        if i == 1 || scale == 0.0 {
            beside[i] = a[i * n + i - 1];
            continue;
        }
        let mut norm = 0.0;
        for x in &mut a[i * n..i * n + i] {
            *x /= scale;
            norm += *x * *x;
        }
        let last = a[i * n + i - 1];
        let root = if last >= 0.0 { -norm.sqrt() } else { norm.sqrt() };
        beside[i] = scale * root;
        norm -= last * root;
        a[i * n + i - 1] = last - root;
        reflect(a, &mut beside, i, n, norm);
        norms[i] = norm;
    }
    (norms, beside)
}

/// Applies the reflection in row `i` to the leading block of `a`; `work` is scratch in its first `i` elements.
fn reflect(a: &mut [f64], work: &mut [f64], i: usize, n: usize, norm: f64) {
    let row: Vec<f64> = a[i * n..i * n + i].to_vec();
    let mut sum = 0.0;
    for j in 0..i {
        a[j * n + i] = row[j] / norm;
        let lower: f64 = (0..=j).map(|k| a[j * n + k] * row[k]).sum();
        let upper: f64 = (j + 1..i).map(|k| a[k * n + j] * row[k]).sum();
        work[j] = (lower + upper) / norm;
        sum += work[j] * row[j];
    }
    let half = sum / (norm + norm);
    for j in 0..i {
        work[j] -= half * row[j];
        let (f, g) = (row[j], work[j]);
        for k in 0..=j {
            a[j * n + k] -= f * work[k] + g * row[k];
        }
    }
}

/// Multiplies the reflections out, so that `a` holds the transformation and `norms` the diagonal.
fn accumulate(a: &mut [f64], norms: &mut [f64], n: usize) {
    norms[0] = 0.0;
    for i in 0..n {
        if norms[i] != 0.0 {
            for j in 0..i {
                let sum: f64 = (0..i).map(|k| a[i * n + k] * a[k * n + j]).sum();
                for k in 0..i {
                    a[k * n + j] -= sum * a[k * n + i];
                }
            }
        }
        norms[i] = a[i * n + i];
        a[i * n + i] = 1.0;
        for j in 0..i {
            a[j * n + i] = 0.0;
            a[i * n + j] = 0.0;
        }
    }
}

/// The QL iteration with implicit shifts; rotates the rows of `vectors` along.
fn iterate(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64], n: usize) {
    const MOST: usize = 60;
    beside.rotate_left(1);
    beside[n - 1] = 0.0;
    for low in 0..n {
        for _ in 0..MOST {
            let end = (low..n - 1)
                .find(|&m| beside[m].abs() <= f64::EPSILON * (diagonal[m].abs() + diagonal[m + 1].abs()))
                .unwrap_or(n - 1);
            if end == low {
                break;
            }
            sweep(diagonal, beside, vectors, n, low, end);
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "the state of one algorithm")]
fn sweep(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64], n: usize, low: usize, end: usize) {
    let half = (diagonal[low + 1] - diagonal[low]) / (2.0 * beside[low]);
    let radius = half.hypot(1.0).copysign(half);
    let mut shifted = diagonal[end] - diagonal[low] + beside[low] / (half + radius);
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for i in (low..end).rev() {
        let f = sine * beside[i];
        let b = cosine * beside[i];
        let radius = f.hypot(shifted);
        beside[i + 1] = radius;
        if radius == 0.0 {
            diagonal[i + 1] -= shift;
            beside[end] = 0.0;
            return;
        }
        sine = f / radius;
        cosine = shifted / radius;
        let moved = diagonal[i + 1] - shift;
        let mixed = (diagonal[i] - moved) * sine + 2.0 * cosine * b;
        shift = sine * mixed;
        diagonal[i + 1] = moved + shift;
        shifted = cosine * mixed - b;
        let (upper, lower) = vectors[i * n..(i + 2) * n].split_at_mut(n);
        for (x, y) in upper.iter_mut().zip(lower) {
            (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
        }
    }
    diagonal[low] -= shift;
    beside[low] = shifted;
    beside[end] = 0.0;
}

fn transpose(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            a.swap(i * n + j, j * n + i);
        }
    }
}

fn sorted(values: &[f64], vectors: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let rows = order.iter().flat_map(|&i| vectors[i * n..(i + 1) * n].iter().copied()).collect();
    (order.iter().map(|&i| values[i]).collect(), rows)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    fn largest_defect(matrix: &[f64], values: &[f64], vectors: &[f64], n: usize) -> f64 {
        let mut worst = 0.0_f64;
        for (k, row) in vectors.chunks(n).enumerate() {
            for i in 0..n {
                let product: f64 = (0..n).map(|j| matrix[i * n + j] * row[j]).sum();
                worst = worst.max((product - values[k] * row[i]).abs());
            }
            for (other, second) in vectors.chunks(n).enumerate() {
                let dot: f64 = row.iter().zip(second).map(|(a, b)| a * b).sum();
                worst = worst.max((dot - if k == other { 1.0 } else { 0.0 }).abs());
            }
        }
        worst
    }

    #[test]
    fn random_matrices_are_diagonalised() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for n in [1, 2, 3, 5, 17, 40] {
            let mut matrix = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let value = random.random_range(-1.0..1.0);
                    matrix[i * n + j] = value;
                    matrix[j * n + i] = value;
                }
            }
            let (values, vectors) = symmetric(matrix.clone(), n);
            assert!(values.is_sorted());
            assert!(largest_defect(&matrix, &values, &vectors, n) < 1e-11, "{n}");
        }
    }

    #[test]
    fn equal_eigenvalues_and_zeros_are_no_trouble() {
        for matrix in [vec![0.0; 16], vec![1.0; 16], (0..16).map(|i| f64::from(i % 5 == 0)).collect()] {
            let (values, vectors) = symmetric(matrix.clone(), 4);
            assert!(largest_defect(&matrix, &values, &vectors, 4) < 1e-13);
        }
    }
}
