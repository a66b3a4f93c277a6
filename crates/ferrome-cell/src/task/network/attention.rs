//! Networks from what cells of each condition attend to.
//!
//! In each cell, the raw scores `q k` of one block are ranked within each row (query), then within each column (key), and averaged
//! over heads; ranks of a pair are averaged over the cells of a condition that have both genes. Ranks are among the genes of the
//! panel that the cell has: special tokens, and genes outside, do not count, but were seen by the blocks before.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::model::QueryKey;
use super::panel::{Panel, text};
use super::{Edge, Network, NetworkModel, Ranks, rank};
use crate::Result;
use crate::community;
use crate::read::tokens::TokenCell;

/// Mean ranks of all pairs of a panel, condition by condition, while they grow.
#[derive(Debug)]
pub struct Attention<'a> {
    model: &'a NetworkModel,
    panel: &'a Panel,
    layer: usize,
    column: Option<&'a str>,
    conditions: BTreeMap<Option<String>, Sums>,
    /// Cells that were counted.
    pub cells: u64,
    /// Cells that were not, and the reason of the first.
    pub rejected: (u64, Option<String>),
}

/// What networks are read off.
#[derive(Clone, Debug)]
pub struct Contrast<'a> {
    /// The condition that others are compared with; each stands for itself without it.
    pub control: Option<&'a str>,
    /// Most edges of a network.
    pub edges: usize,
    /// Fewest cells of a condition, and of the control, that have both genes of an edge.
    pub min_cells: u32,
    /// How modules are found.
    pub modules: community::Options,
}

/// Of one condition: `[g, g]` each.
#[derive(Debug)]
struct Sums {
    ranks: Vec<f64>,
    cells: Vec<u32>,
}

impl<'a> Attention<'a> {
    /// Nothing yet, of block `layer` (counted from 1); the column `condition` of obs tells cells apart.
    #[must_use]
    pub fn new(model: &'a NetworkModel, panel: &'a Panel, layer: usize, condition: Option<&'a str>) -> Self {
        Self { model, panel, layer, column: condition, conditions: BTreeMap::new(), cells: 0, rejected: (0, None) }
    }

    /// Adds cells, which are computed together.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room; when cells of an scGPT have no values.
    pub fn add(&mut self, cells: Vec<TokenCell>) -> Result<()> {
        let mut taken = Vec::with_capacity(cells.len());
        for cell in cells {
            match self.model.refuses(&cell) {
                None => taken.push(cell),
                Some(reason) => {
                    self.rejected.0 += 1;
                    self.rejected.1.get_or_insert_with(|| format!("row {}: {reason}", cell.row));
                }
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        let found = self.model.query_key(&taken, self.layer)?;
        for (cell, &span) in taken.iter().zip(&found.spans) {
            self.add_one(cell, &found, span)?;
        }
        Ok(())
    }

    fn add_one(&mut self, cell: &TokenCell, found: &QueryKey, (start, length): (i64, i64)) -> Result<()> {
        let condition = self.column.map(|column| text(cell, column));
        let Some(condition) = condition.map_or(Some(None), |known| known.map(Some)) else {
            self.rejected.0 += 1;
            self.rejected.1.get_or_insert_with(|| format!("row {}: no condition", cell.row));
            return Ok(());
        };
        let tokens = cell.tokens.as_deref().unwrap_or_default();
        let known = tokens.iter().take(usize::try_from(length).unwrap_or(0)).enumerate();
        let known: Vec<(i64, u32)> =
            known.filter_map(|(i, &token)| Some((start + i as i64, self.panel.place(token)?))).collect();
        let genes = self.panel.len();
        let sums = self.conditions.entry(condition).or_insert_with(|| Sums::new(genes));
        self.cells += 1;
        if known.len() > 1 {
            sums.add(&mean_ranks(found, &known)?, &known, genes);
        }
        Ok(())
    }

    /// The networks of all conditions but the control, in the order of their names.
    #[must_use]
    pub fn networks(&self, contrast: &Contrast) -> Vec<Network> {
        let control = contrast.control.and_then(|name| self.conditions.get(&Some(name.to_owned())));
        let others = self
            .conditions
            .iter()
            .filter(|(name, _)| contrast.control.is_none() || name.as_deref() != contrast.control);
        let network = |(name, sums): (&Option<String>, &Sums)| {
            let edges = sums.edges(control, self.panel.len(), contrast);
            Network::new(name.clone(), edges, self.panel.len(), &contrast.modules)
        };
        others.map(network).collect()
    }
}

/// Ranks of all pairs of the genes at `places`, averaged over heads: `[p, p]`.
fn mean_ranks(found: &QueryKey, known: &[(i64, u32)]) -> Result<Vec<f32>> {
    let places: Vec<i64> = known.iter().map(|&(place, _)| place).collect();
    let places = Tensor::f_from_slice(&places)?.f_to_device(found.query.device())?;
    let heads = |x: &Tensor| x.f_index_select(0, &places)?.f_transpose(0, 1); // [t, h, k] -> [h, p, k]
    let scores = heads(&found.query)?.f_matmul(&heads(&found.key)?.f_transpose(1, 2)?)?; // [h, p, p]
    let (h, p, _) = scores.size3()?;
    let mut scores = Vec::<f32>::try_from(scores.f_to_kind(Kind::Float)?.f_reshape([-1])?)?;
    let n = usize::try_from(p).unwrap_or(0);
    let mut mean = vec![0.0; n * n];
    for head in scores.chunks_mut((n * n).max(1)) {
        rank::rows_then_columns(head, n);
        mean.iter_mut().zip(head.iter()).for_each(|(sum, rank)| *sum += rank / h as f32);
    }
    Ok(mean)
}

impl Sums {
    fn new(genes: usize) -> Self {
        Self { ranks: vec![0.0; genes * genes], cells: vec![0; genes * genes] }
    }

    fn add(&mut self, ranks: &[f32], known: &[(i64, u32)], genes: usize) {
        for (row, &(_, source)) in ranks.chunks(known.len().max(1)).zip(known) {
            for (&rank, &(_, target)) in row.iter().zip(known) {
                let pair = source as usize * genes + target as usize;
                self.ranks[pair] += f64::from(rank);
                self.cells[pair] += 1;
            }
        }
    }

    fn mean(&self, pair: usize) -> f64 {
        self.ranks[pair] / f64::from(self.cells[pair].max(1))
    }

    /// The heaviest pairs that enough cells have.
    fn edges(&self, control: Option<&Self>, genes: usize, contrast: &Contrast) -> Vec<Edge> {
        let enough = |sums: &Self, pair: usize| sums.cells[pair] >= contrast.min_cells.max(1);
        let edge = |pair: usize| {
            let (source, target) = (pair / genes, pair % genes);
            if source == target || !enough(self, pair) || control.is_some_and(|control| !enough(control, pair)) {
                return None;
            }
            let (condition, control) = (self.mean(pair), control.map(|control| control.mean(pair)));
            let weight = condition - control.unwrap_or(0.0);
            let attention = Some(Ranks { condition, control, cells: self.cells[pair] });
            Some(Edge { source: source as u32, target: target as u32, weight, attention })
        };
        let mut edges: Vec<Edge> = (0..genes * genes).filter_map(edge).collect();
        edges.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        edges.truncate(contrast.edges);
        edges
    }
}
