//! Cosines between cells before and after a perturbation.

use tch::{Device, Kind, Tensor};

use super::cells::Vectors;
use super::{Measure, PerturbItem, Screen};
use crate::Result;

/// What a perturbation did to a cell.
#[derive(Debug)]
pub(super) struct Compared {
    /// The cosine of the cell with itself, and the shift to each state: `[1 + states]` (f32).
    pub(super) cell: Tensor,
    /// Gene by gene, those that were not perturbed.
    pub(super) genes: Option<(Vec<i32>, Tensor)>,
}

/// The vectors of a cell from those of its tokens, `[t, d]`, or from that of `<cls>`, `[1, d]`.
pub(super) fn vectors(x: &Tensor, screen: &Screen) -> Result<Vectors> {
    let x = x.f_to_kind(Kind::Float)?;
    let genes = screen.needs_genes().then(|| unit(&x)).transpose()?;
    Ok(Vectors { cell: cell(&x, screen)?, genes })
}

/// Compares a perturbed cell, `[t, d]` or `[1, d]`, with what it was before; `states` is `[states, d]`, each of length 1.
pub(super) fn compare(
    x: &Tensor,
    item: &PerturbItem,
    before: &Vectors,
    screen: &Screen,
    states: Option<&Tensor>,
) -> Result<Compared> {
    let x = x.f_to_kind(Kind::Float)?;
    let genes = match &before.genes {
        Some(genes) => Some(by_gene(&x, item, genes, screen)?),
        None => None,
    };
    let after = unit(&cell(&x, screen)?)?;
    let earlier = unit(&before.cell)?;
    let cosine = match (screen.measure, &genes) {
        (Measure::Genes, Some((_, cosines))) => cosines.f_mean(Kind::Float)?,
        _ => after.f_dot(&earlier)?,
    };
    let mut all = vec![cosine.f_view([1])?];
    if let Some(states) = states {
        // [states, d] x [d] -> [states]
        all.push(states.f_mv(&after)?.f_sub(&states.f_mv(&earlier)?)?);
    }
    let genes = genes.filter(|_| screen.per_gene);
    Ok(Compared { cell: Tensor::f_cat(&all, 0)?, genes })
}

impl Screen {
    /// Whether the vectors of genes are compared; otherwise that of `<cls>` is all that is needed.
    pub(super) fn needs_genes(&self) -> bool {
        self.measure == Measure::Genes || self.per_gene
    }
}

/// The vector of a cell: `[d]`.
pub(super) fn cell(x: &Tensor, screen: &Screen) -> Result<Tensor> {
    match screen.measure {
        Measure::Cls => Ok(x.f_select(0, 0)?),
        Measure::Genes => {
            let frame = screen.frame;
            let (head, around) = (frame.head as i64, (frame.head + frame.tail) as i64);
            let (t, _) = x.size2()?;
            Ok(x.f_narrow(0, head, t - around)?.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?)
        }
    }
}

/// Rows of length 1; zeros stay.
pub(super) fn unit(x: &Tensor) -> Result<Tensor> {
    let length = x.f_norm_scalaropt_dim(2.0, [-1_i64].as_slice(), true)?;
    Ok(x.f_div(&length.f_clamp_min(1e-8)?)?)
}

// The tokens of genes that were not perturbed, and their cosines with themselves.
fn by_gene(x: &Tensor, item: &PerturbItem, before: &Tensor, screen: &Screen) -> Result<(Vec<i32>, Tensor)> {
    let places = |tokens: &[i32]| -> Vec<(i64, i32)> {
        let genes = (0..).skip(screen.frame.head).zip(screen.frame.genes(tokens).iter().copied());
        genes.filter(|(_, gene)| !item.genes.contains(gene)).collect()
    };
    let (now, then) = (places(&item.tokens), places(&item.original.tokens));
    let rows = |x: &Tensor, places: &[(i64, i32)]| -> Result<Tensor> {
        let places: Vec<i64> = places.iter().map(|&(place, _)| place).collect();
        Ok(x.f_index_select(0, &Tensor::f_from_slice(&places)?.f_to_device(x.device())?)?)
    };
    let (after, before) = (rows(x, &now)?, rows(before, &then)?);
    let products = after.f_mul(&before)?.f_sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float)?;
    let lengths = after.f_norm_scalaropt_dim(2.0, [-1_i64].as_slice(), false)?.f_clamp_min(1e-8)?;
    Ok((now.into_iter().map(|(_, gene)| gene).collect(), products.f_div(&lengths)?))
}

/// The numbers of a tensor on any device.
pub(super) fn numbers(x: &Tensor) -> Result<Vec<f32>> {
    let x = x.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut numbers = vec![0.0_f32; x.numel()];
    x.f_copy_data(&mut numbers, x.numel())?;
    Ok(numbers)
}
