//! The partition of the range into cells.

/// How far the range reaches beyond the first and the last point, as a share of it.
const MARGIN: f64 = 0.005;

/// The ends of the cells, ascending, for points in ascending order and at most `most` points to a cell.
pub(super) fn vertices(ascending: &[f64], most: usize) -> Vec<f64> {
    let (first, last) = (ascending.first().copied().unwrap_or(0.0), ascending.last().copied().unwrap_or(0.0));
    let range = (last - first).max(1e-10 * first.abs().max(last.abs()) + 1e-30);
    let ends = (first - MARGIN * range, last + MARGIN * range);
    let mut vertices = vec![ends.0, ends.1];
    cut(ascending, most, ends, &mut vertices);
    vertices.sort_unstable_by(f64::total_cmp);
    vertices.dedup();
    vertices
}

/// Cuts a cell, whose ends are `ends`, at the median of its points, and the two that come of it.
fn cut(points: &[f64], most: usize, ends: (f64, f64), vertices: &mut Vec<f64>) {
    if points.len() <= most || points.is_empty() {
        return;
    }
    let middle = middle(points);
    let at = points[middle];
    if at == ends.0 || at == ends.1 {
        return;
    }
    vertices.push(at);
    cut(&points[..=middle], most, (ends.0, at), vertices);
    cut(&points[middle + 1..], most, (at, ends.1), vertices);
}

/// The position nearest to the middle after which the points change; the middle itself if one side has none such.
fn middle(points: &[f64]) -> usize {
    let middle = (points.len() - 1) / 2;
    let mut offset = 0;
    loop {
        let last_of_equals = |i: usize| points.get(i + 1).map(|next| points[i] != *next);
        // One after, one before, two after, two before.
        match middle.checked_add_signed(offset).and_then(last_of_equals) {
            None => return middle,
            Some(true) => return middle.saturating_add_signed(offset),
            Some(false) => offset = if offset > 0 { -offset } else { 1 - offset },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut_at_medians() {
        let points: Vec<f64> = (0..=8).map(f64::from).collect();
        assert_eq!(vertices(&points, 3), [-0.04, 2.0, 4.0, 6.0, 8.04]);
    }

    #[test]
    fn equal_points_stay_together() {
        assert_eq!(middle(&[1.0, 2.0, 2.0, 2.0, 3.0]), 3);
        assert_eq!(middle(&[1.0, 2.0, 2.0, 2.0, 2.0]), 2);
        assert_eq!(middle(&[2.0, 2.0, 2.0, 2.0]), 1);
        assert_eq!(vertices(&[1.0, 5.0, 5.0, 5.0, 5.0, 9.0], 1), [0.96, 5.0, 9.04]);
    }
}
