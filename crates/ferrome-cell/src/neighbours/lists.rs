//! Neighbours by inverted lists: rows are put into lists of similar rows (spherical k-means), and those of a list are compared
//! with the rows of the lists that its members are nearest to.

use rand::seq::index;
use rand::{SeedableRng, rngs::StdRng};
use tch::{Device, Kind, Tensor};

use super::Neighbour;
use crate::Result;

/// Rows of a list, on average.
const ROWS: i64 = 500;
/// Rows of a list that are compared: only rows that are nearly equal make longer ones.
const MOST: usize = 8 * ROWS as usize;
/// Rows for each list that the centres are made of, and passes over them.
const LEARNT: (i64, usize) = (40, 6);
/// Lists that a row votes for, and lists that are looked through.
const VOTES: i64 = 6;
const LOOKED: usize = 24;
/// Rows whose list is looked for at a time.
const BLOCK: i64 = 4096;
/// Of everything random.
const SEED: u64 = 1;

/// The `k` nearest others of each row of `unit` (`[n, d]`, rows of length 1), nearest first, row by row.
pub(super) fn nearest(unit: &Tensor, k: usize) -> Result<Vec<Neighbour>> {
    let _guard = tch::no_grad_guard();
    let n = unit.size2()?.0;
    let lists = (n / ROWS).max(2);
    let votes = votes(unit, &centres(unit, lists)?)?;
    let (lists, width) = (usize::try_from(lists).unwrap_or(0), usize::try_from(VOTES).unwrap_or(1));
    let mut members = vec![Vec::new(); lists];
    for (row, list) in (0_i64..).zip(votes.iter().step_by(width)) {
        if let Some(members) = members.get_mut(*list as usize) {
            members.push(row);
        }
    }
    let mut found = vec![Vec::new(); usize::try_from(n).unwrap_or(0)];
    for (list, rows) in members.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
        let others = looked(list, rows, &votes, width, lists);
        let others: Vec<&[i64]> = others.iter().filter_map(|&other| Some(members.get(other)?.as_slice())).collect();
        for rows in rows.chunks(MOST) {
            let others = others.iter().flat_map(|other| other.get(..MOST).unwrap_or(other));
            let others: Vec<i64> = rows.iter().chain(others).copied().collect();
            search(unit, rows, &others, k, &mut found)?;
        }
    }
    Ok(found.into_iter().flatten().collect())
}

/// Directions of lists: `[lists, d]`.
fn centres(unit: &Tensor, lists: i64) -> Result<Tensor> {
    let n = unit.size2()?.0;
    let mut random = StdRng::seed_from_u64(SEED);
    let amount = (lists * LEARNT.0).min(n);
    let drawn = index::sample(&mut random, usize::try_from(n).unwrap_or(0), usize::try_from(amount).unwrap_or(0));
    let drawn: Vec<i64> = drawn.into_iter().filter_map(|row| i64::try_from(row).ok()).collect();
    let rows = unit.f_index_select(0, &Tensor::f_from_slice(&drawn)?.f_to_device(unit.device())?)?;
    let mut centres = rows.f_narrow(0, 0, lists)?;
    for _ in 0..LEARNT.1 {
        let across = centres.f_tr()?;
        let of = |piece: &Tensor| -> Result<Tensor> { Ok(piece.f_matmul(&across)?.f_argmax(1, false)?) };
        let lists_of = Tensor::f_cat(&rows.f_split(BLOCK, 0)?.iter().map(of).collect::<Result<Vec<_>>>()?, 0)?;
        let sums = centres.f_zeros_like()?.f_index_add(0, &lists_of, &rows)?;
        let lengths = sums.f_square()?.f_sum_dim_intlist([1_i64].as_slice(), true, None)?.f_sqrt()?;
        // A list that lost all of its rows keeps its direction.
        centres = sums.f_div(&lengths.f_clamp_min(1e-12)?)?.f_where_self(&lengths.f_gt(1e-6)?, &centres)?;
    }
    Ok(centres)
}

/// The lists whose directions are nearest to each row, nearest first, row by row: `[n * VOTES]`.
fn votes(unit: &Tensor, centres: &Tensor) -> Result<Vec<u32>> {
    let across = centres.f_tr()?;
    let mut all = Vec::new();
    for piece in unit.f_split(BLOCK, 0)? {
        let taken = VOTES.min(centres.size2()?.0);
        let (_, lists) = piece.f_matmul(&across)?.f_topk(taken, 1, true, true)?;
        let lists = Vec::<i64>::try_from(lists.f_reshape([-1])?.f_to_device(Device::Cpu)?)?;
        // Fewer lists than votes: the last one counts again.
        for of_row in lists.chunks(usize::try_from(taken).unwrap_or(1).max(1)) {
            let last = of_row.last().copied().unwrap_or(0);
            let filled = of_row.iter().copied().chain(std::iter::repeat(last));
            all.extend(filled.take(usize::try_from(VOTES).unwrap_or(1)).map(|list| u32::try_from(list).unwrap_or(0)));
        }
    }
    Ok(all)
}

/// The lists that most of `rows` voted for, `list` itself not among them.
fn looked(list: usize, rows: &[i64], votes: &[u32], width: usize, lists: usize) -> Vec<usize> {
    let mut counts = vec![0_u32; lists];
    for &row in rows {
        let first = usize::try_from(row).unwrap_or(0) * width;
        for &vote in votes.get(first..first + width).unwrap_or_default() {
            if let Some(count) = counts.get_mut(vote as usize) {
                *count += 1;
            }
        }
    }
    let mut others: Vec<(u32, usize)> =
        counts.into_iter().zip(0..).filter(|&(count, other)| count > 0 && other != list).collect();
    others.sort_unstable_by_key(|&(count, other)| (std::cmp::Reverse(count), other));
    others.into_iter().map(|(_, other)| other).take(LOOKED - 1).collect()
}

/// The nearest of `others` to each of `rows`, into their places of `found`.
fn search(unit: &Tensor, rows: &[i64], others: &[i64], k: usize, found: &mut [Vec<Neighbour>]) -> Result<()> {
    let take = |rows: &[i64]| -> Result<Tensor> {
        Ok(unit.f_index_select(0, &Tensor::f_from_slice(rows)?.f_to_device(unit.device())?)?)
    };
    let candidates = take(others)?.f_tr()?;
    let taken = k + 1;
    let width = taken.min(others.len());
    for rows in rows.chunks(1024) {
        let cosines = take(rows)?.f_matmul(&candidates)?; // [rows, others]
        let (values, places) = cosines.f_topk(i64::try_from(width).unwrap_or(1), 1, true, true)?;
        let values = Vec::<f32>::try_from(values.f_reshape([-1])?.f_to_kind(Kind::Float)?)?;
        let places = Vec::<i64>::try_from(places.f_reshape([-1])?)?;
        for (&row, (values, places)) in rows.iter().zip(values.chunks(width).zip(places.chunks(width))) {
            let other = |place: i64| others.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or(row);
            let near = places.iter().map(|&place| other(place)).zip(values).filter(|&(other, _)| other != row);
            if let Some(slot) = found.get_mut(usize::try_from(row).unwrap_or(0)) {
                *slot = near.take(k).map(|(other, &value)| (row as u32, other as u32, f64::from(value))).collect();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::neighbours;

    /// Clouds of very different sizes, as cells and proteins make them.
    fn clouds(n: i64, d: i64) -> Tensor {
        tch::manual_seed(5);
        let centres = Tensor::randn([60, d], (Kind::Float, Device::Cpu));
        let cloud = Tensor::rand([n], (Kind::Float, Device::Cpu)).square() * 60.0;
        let noise = Tensor::randn([n, d], (Kind::Float, Device::Cpu)) * 0.6;
        neighbours::unit_rows(&(centres.index_select(0, &cloud.to_kind(Kind::Int64)) + noise)).unwrap()
    }

    #[test]
    fn nearly_all_of_the_nearest_are_found() {
        let _guard = tch::no_grad_guard();
        let unit = clouds(12_000, 24);
        let near =
            |found: Vec<Neighbour>| found.into_iter().map(|(row, other, _)| (row, other)).collect::<HashSet<_>>();
        let (exact, lists) = (near(neighbours::nearest(&unit, 10).unwrap()), near(nearest(&unit, 10).unwrap()));
        assert_eq!((exact.len(), lists.len()), (120_000, 120_000));
        let recall = exact.intersection(&lists).count() as f64 / exact.len() as f64;
        assert!(recall > 0.95, "{recall}");
        assert_eq!(nearest(&unit, 10).unwrap(), nearest(&unit, 10).unwrap());
    }

    #[test]
    fn rows_that_are_all_alike() {
        let _guard = tch::no_grad_guard();
        let unit = neighbours::unit_rows(&Tensor::ones([1500, 3], (Kind::Float, Device::Cpu))).unwrap();
        let found = nearest(&unit, 5).unwrap();
        assert_eq!(found.len(), 7500);
        assert!(found.iter().all(|&(row, other, cosine)| row != other && cosine > 0.999));
    }
}
