//! Nearest neighbours by cosine.

/// For each vector the other one with the largest cosine, and the cosine; `None` when there is no other.
pub(super) fn nearest(vectors: &[&[f32]]) -> Vec<Option<(usize, f64)>> {
    let others = |i: usize| vectors.iter().enumerate().filter(move |&(j, _)| j != i);
    let best = |(i, vector): (usize, &&[f32])| {
        others(i).map(|(j, other)| (j, cosine(vector, other))).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    vectors.iter().enumerate().map(best).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_of_a_vector_does_not_matter() {
        let found = nearest(&[&[1.0, 0.0], &[0.0, 9.0], &[5.0, 0.1]]);
        assert_eq!(found.iter().map(|found| found.map(|(j, _)| j)).collect::<Vec<_>>(), [Some(2), Some(2), Some(0)]);
        assert!((cosine(&[3.0, 4.0], &[6.0, 8.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_vector_has_no_neighbour() {
        assert_eq!(nearest(&[&[1.0]]), [None]);
    }
}
