use tch::{Device, Kind, Tensor};

use crate::Result;

/// The classes of the nearest training rows, by the cosine.
#[derive(Debug)]
pub struct Neighbours {
    /// `[n, d]`, of length 1.
    rows: Tensor,
    classes: Vec<usize>,
    count: usize,
}

/// Rows that are compared at a time.
const AT_A_TIME: i64 = 1024;

impl Neighbours {
    /// Remembers `rows`, `[n, d]`, and their classes, of which there are `count`.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn new(rows: &Tensor, classes: &[usize], count: usize) -> Result<Self> {
        Ok(Self { rows: unit(rows)?, classes: classes.to_vec(), count })
    }

    /// The class that most of the `k` nearest have; of two, the one with the nearer neighbours.
    ///
    /// # Errors
    ///
    /// `rows` has another width.
    pub fn predict(&self, rows: &Tensor, k: usize) -> Result<Vec<usize>> {
        let (known, _) = self.rows.size2()?;
        let k = i64::try_from(k).unwrap_or(i64::MAX).min(known);
        let mut found = Vec::new();
        for chunk in unit(rows)?.f_split(AT_A_TIME, 0)? {
            let (near, places) = chunk.f_matmul(&self.rows.f_tr()?)?.f_topk(k, 1, true, true)?; // [m, k]
            let (near, places) = (numbers(&near)?, whole(&places)?);
            let width = usize::try_from(k).unwrap_or(1).max(1);
            for (near, places) in near.chunks(width).zip(places.chunks(width)) {
                let mut votes = vec![(0_u32, 0.0_f32); self.count];
                for (similarity, &place) in near.iter().zip(places) {
                    let class = usize::try_from(place).ok().and_then(|place| self.classes.get(place));
                    if let Some(vote) = class.and_then(|&class| votes.get_mut(class)) {
                        *vote = (vote.0 + 1, vote.1 + similarity);
                    }
                }
                let best = votes.iter().enumerate().max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                found.push(best.map_or(0, |(class, _)| class));
            }
        }
        Ok(found)
    }
}

fn unit(rows: &Tensor) -> Result<Tensor> {
    let rows = rows.f_to_kind(Kind::Float)?;
    let length = rows.f_square()?.f_sum_dim_intlist(1, true, Kind::Float)?.f_sqrt()?.f_clamp_min(1e-12)?;
    Ok(rows.f_div(&length)?)
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}

fn whole(tensor: &Tensor) -> Result<Vec<i64>> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_by_angle() {
        let rows = Tensor::from_slice2(&[[1.0_f32, 0.0], [2.0, 0.1], [0.0, 1.0], [0.1, 3.0], [-1.0, 1.0]]);
        let known = Neighbours::new(&rows, &[0, 0, 1, 1, 2], 3).unwrap();
        let asked = Tensor::from_slice2(&[[9.0_f32, 0.2], [0.0, 0.1], [-4.0, 4.1]]);
        assert_eq!(known.predict(&asked, 1).unwrap(), [0, 1, 2]);
        assert_eq!(known.predict(&asked, 2).unwrap()[..2], [0, 1]);
        assert_eq!(known.predict(&asked, 50).unwrap().len(), 3);
    }
}
