//! UMAP (McInnes, Healy and Melville, arXiv:1802.03426): two coordinates in which near rows are near. The neighbours are exact
//! up to [`crate::neighbours::EXACT`] rows.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::Pca;
use crate::Result;
use crate::neighbours::{self, Neighbour};

/// How a map is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UmapOptions {
    /// Neighbours that a row is held together with, itself among them.
    pub neighbours: usize,
    /// Passes over all edges; at most 200 for more than 10,000 rows, as in umap-learn.
    pub epochs: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for UmapOptions {
    fn default() -> Self {
        Self { neighbours: 15, epochs: 500, seed: 1 }
    }
}

// The curve 1 / (1 + a x^2b) that fits a minimal distance of 0.1 at a spread of 1, as umap-learn fits it.
const A: f64 = 1.576_943_460_405_378;
const B: f64 = 0.895_060_878_198_044_2;
/// Rows that are pushed away for each that is pulled near.
const NEGATIVES: usize = 5;
/// Rows above which fewer passes are enough, and how many.
const MANY: (usize, usize) = (10_000, 200);

/// An edge between two rows, and how strong it is.
struct Edge {
    from: usize,
    to: usize,
    weight: f64,
}

/// Maps `[n, d]` to two coordinates a row, by the cosine distance of the centred rows: vectors of a model share a large part
/// that says nothing of any of them. The same rows and options give the same map.
///
/// # Errors
///
/// There is no memory.
pub fn umap(rows: &Tensor, options: UmapOptions) -> Result<Vec<[f64; 2]>> {
    let _guard = tch::no_grad_guard();
    let n = usize::try_from(rows.size2()?.0).unwrap_or(0);
    let start = start(rows)?;
    if n < 4 {
        return Ok(start);
    }
    let neighbours = nearest(rows, options.neighbours.clamp(2, n - 1))?;
    let epochs = if n > MANY.0 { options.epochs.min(MANY.1) } else { options.epochs };
    Ok(settle(start, &edges(&neighbours), UmapOptions { epochs, ..options }))
}

/// The first two principal components, within 10 of the origin, and a little apart.
fn start(rows: &Tensor) -> Result<Vec<[f64; 2]>> {
    let reduced = Pca::fit(rows, 2)?.apply(rows)?.f_to_kind(Kind::Double)?.f_to_device(Device::Cpu)?;
    let (n, k) = reduced.size2()?;
    let scale = 10.0 / reduced.f_abs()?.f_max()?.f_double_value(&[])?.max(1e-12);
    let mut values = vec![0.0; reduced.numel()];
    reduced.f_contiguous()?.f_copy_data(&mut values, reduced.numel())?;
    let k = usize::try_from(k).unwrap_or(1).max(1);
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut apart = || random.random_range(-1e-4..1e-4);
    let at = |row: &[f64], i: usize| row.get(i).copied().unwrap_or(0.0) * scale;
    let places = values.chunks(k).map(|row| [at(row, 0) + apart(), at(row, 1) + apart()]).collect::<Vec<_>>();
    debug_assert_eq!(places.len(), usize::try_from(n).unwrap_or(0));
    Ok(places)
}

/// For each row its nearest others with their distances, nearest first.
fn nearest(rows: &Tensor, k: usize) -> Result<Vec<Vec<(usize, f64)>>> {
    let rows = rows.f_to_kind(Kind::Float)?;
    let centred = rows.f_sub(&rows.f_mean_dim(0, true, Kind::Float)?)?;
    let found = neighbours::nearest_of_many(&centred, k)?;
    let near = |&(_, other, cosine): &Neighbour| (other as usize, (1.0 - cosine).max(0.0));
    let mut all = vec![Vec::new(); usize::try_from(rows.size2()?.0).unwrap_or(0)];
    for of_row in found.chunk_by(|a, b| a.0 == b.0) {
        if let Some(slot) = of_row.first().and_then(|first| all.get_mut(first.0 as usize)) {
            *slot = of_row.iter().map(near).collect();
        }
    }
    Ok(all)
}

/// Fuzzy sets of neighbours, joined: `p + q - p q` of both directions.
fn edges(neighbours: &[Vec<(usize, f64)>]) -> Vec<Edge> {
    let strengths: Vec<Vec<(usize, f64)>> = neighbours.iter().map(|near| strengths(near)).collect();
    let back = |from: usize, to: usize| {
        let of_other = strengths.get(to).and_then(|near| near.iter().find(|&&(other, _)| other == from));
        of_other.map_or(0.0, |&(_, strength)| strength)
    };
    let mut edges = Vec::with_capacity(strengths.iter().map(Vec::len).sum());
    for (from, near) in strengths.iter().enumerate() {
        for &(to, p) in near {
            let q = back(from, to);
            if from < to || q == 0.0 {
                edges.push(Edge { from, to, weight: p + q - p * q });
            }
        }
    }
    edges
}

/// How strongly a row is held by each of its neighbours; in their order of rows.
fn strengths(near: &[(usize, f64)]) -> Vec<(usize, f64)> {
    let first = near.iter().map(|&(_, d)| d).find(|&d| d > 0.0).unwrap_or(0.0);
    let width = width(near, first);
    let strength = |d: f64| if d <= first { 1.0 } else { (-(d - first) / width).exp() };
    let mut all: Vec<(usize, f64)> = near.iter().map(|&(to, d)| (to, strength(d))).collect();
    all.sort_unstable_by_key(|&(to, _)| to);
    all
}

/// The width at which the strengths of a row's neighbours sum to log2 of their number.
fn width(near: &[(usize, f64)], first: f64) -> f64 {
    let wanted = ((near.len() + 1) as f64).log2();
    let sum = |width: f64| near.iter().map(|&(_, d)| (-(d - first).max(0.0) / width).exp()).sum::<f64>();
    let (mut low, mut high) = (1e-12, 1e3);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if sum(middle) > wanted {
            high = middle;
        } else {
            low = middle;
        }
    }
    let mean = near.iter().map(|&(_, d)| d).sum::<f64>() / near.len().max(1) as f64;
    f64::midpoint(low, high).max(1e-3 * mean).max(1e-12)
}

/// Pulls the ends of edges together, as often as they are strong, and pushes random rows apart.
fn settle(mut places: Vec<[f64; 2]>, edges: &[Edge], options: UmapOptions) -> Vec<[f64; 2]> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let strongest = edges.iter().map(|edge| edge.weight).fold(0.0, f64::max);
    let mut due: Vec<f64> = edges.iter().map(|edge| strongest / edge.weight).collect();
    for epoch in 0..options.epochs {
        let rate = 1.0 - epoch as f64 / options.epochs as f64;
        for (edge, due) in edges.iter().zip(&mut due) {
            if *due > (epoch + 1) as f64 {
                continue;
            }
            *due += strongest / edge.weight;
            move_pair(&mut places, (edge.from, edge.to), rate, true);
            for end in [edge.from, edge.to] {
                for _ in 0..NEGATIVES.div_ceil(2) {
                    let other = random.random_range(0..places.len());
                    if other != end {
                        move_pair(&mut places, (end, other), rate, false);
                    }
                }
            }
        }
    }
    places
}

/// One step of the gradient for a pair: both ends when they are pulled, the first alone when it is pushed.
fn move_pair(places: &mut [[f64; 2]], (one, other): (usize, usize), rate: f64, pull: bool) {
    let (Some(&a), Some(&b)) = (places.get(one), places.get(other)) else { return };
    let apart = [a[0] - b[0], a[1] - b[1]];
    let square = apart[0] * apart[0] + apart[1] * apart[1];
    let power = square.powf(B);
    let force = match pull {
        true if square > 0.0 => -2.0 * A * B * power / (square * (A * power + 1.0)),
        true => 0.0,
        false => 2.0 * B / ((0.001 + square) * (A * power + 1.0)),
    };
    let change = apart.map(|apart| rate * (force * apart).clamp(-4.0, 4.0));
    if let Some(place) = places.get_mut(one) {
        *place = [place[0] + change[0], place[1] + change[1]];
    }
    if let Some(place) = places.get_mut(other).filter(|_| pull) {
        *place = [place[0] - change[0], place[1] - change[1]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three groups in ten dimensions.
    fn groups() -> (Tensor, Vec<usize>) {
        tch::manual_seed(2);
        let group: Vec<usize> = (0..120).map(|i| i % 3).collect();
        let centres = Tensor::randn([3, 10], (Kind::Float, Device::Cpu)) * 3.0;
        let places: Vec<i64> = group.iter().map(|&g| g as i64).collect();
        let noise = Tensor::randn([120, 10], (Kind::Float, Device::Cpu)) * 0.5;
        (centres.index_select(0, &Tensor::from_slice(&places)) + noise, group)
    }

    #[test]
    fn groups_stay_together() {
        let (rows, group) = groups();
        let map = umap(&rows, UmapOptions::default()).unwrap();
        for (i, a) in map.iter().enumerate() {
            let distance = |b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
            let near =
                (0..map.len()).filter(|&j| j != i).min_by(|&x, &y| distance(&map[x]).total_cmp(&distance(&map[y])));
            assert_eq!(group[near.unwrap()], group[i], "{i}");
        }
        assert_eq!(map, umap(&rows, UmapOptions::default()).unwrap());
    }

    #[test]
    fn few_rows() {
        for n in 1..6 {
            let rows = Tensor::randn([n, 4], (Kind::Float, Device::Cpu));
            let map = umap(&rows, UmapOptions::default()).unwrap();
            assert!(map.len() == n as usize && map.iter().flatten().all(|value| value.is_finite()));
        }
    }
}
