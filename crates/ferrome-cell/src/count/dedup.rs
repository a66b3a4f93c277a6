//! How molecules are told apart, when sequencing errors make two UMIs of one.

mod cell_ranger;
mod cr_like;
mod directional;
mod neighbours;
mod support;

use std::fmt;
use std::mem;
use std::str::FromStr;

use hashbrown::HashTable;
use rayon::prelude::*;

use super::molecules::{Molecule, Molecules, sorted};
use super::umi::Umis;

/// A way to tell molecules apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dedup {
    /// Distinct UMIs of a cell and gene.
    Unique,
    /// UMI-tools: a UMI joins one that differs in one base and has at least twice its reads less one.
    Directional,
    /// Cell Ranger: each UMI moves to its most frequent neighbour within the gene, and stays with one gene of its cell.
    CellRanger,
    /// alevin-fry: UMIs are not corrected, and stay with one gene of their cell.
    CrLike,
}

impl FromStr for Dedup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unique" => Ok(Self::Unique),
            "directional" => Ok(Self::Directional),
            "cellranger" => Ok(Self::CellRanger),
            "cr-like" => Ok(Self::CrLike),
            _ => Err(format!("unknown method `{text}`: expected unique, directional, cellranger or cr-like")),
        }
    }
}

impl fmt::Display for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique",
            Self::Directional => "directional",
            Self::CellRanger => "cellranger",
            Self::CrLike => "cr-like",
        })
    }
}

/// The molecules of a gene in a cell.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) cell: u32,
    pub(super) gene: u32,
    /// Distinct molecules; not zero.
    pub(super) count: u32,
    /// Reads of the gene in the cell, those without a molecule of their own included.
    pub(super) reads: u32,
}

/// A molecule with its gene.
#[derive(Clone, Copy, Debug)]
struct Placed {
    umi: u64,
    cell: u32,
    gene: u32,
    reads: u32,
}

/// Tells molecules apart; the order of entries means nothing.
///
/// `corrected`: the UMIs were corrected by whoever wrote the file, so that Cell Ranger's rules have been applied already.
pub(super) fn dedup(molecules: Molecules, method: Dedup, corrected: bool, umis: &Umis) -> Vec<Entry> {
    match method {
        Dedup::Unique => by_gene(molecules, |group| group.len() as u32),
        Dedup::CellRanger if corrected => by_gene(molecules, |group| group.len() as u32),
        Dedup::Directional => by_gene(molecules, |group| directional::count(group, umis)),
        Dedup::CellRanger => by_cell(molecules, cell_ranger::count),
        Dedup::CrLike => by_cell(molecules, cr_like::count),
    }
}

// Each (gene, cell) for itself; tables are freed as they are done.
fn by_gene(molecules: Molecules, count: impl Fn(&[Molecule]) -> u32 + Sync) -> Vec<Entry> {
    let mut genes = molecules.into_genes();
    let entries = genes.par_iter_mut().enumerate().flat_map_iter(|(gene, table)| {
        let molecules = sorted(mem::replace(table, HashTable::new()));
        let groups = molecules.chunk_by(|a, b| a.cell == b.cell);
        let entry = |group: &[Molecule]| Entry {
            cell: group.first().map_or(0, |molecule| molecule.cell),
            gene: gene as u32,
            count: count(group),
            reads: group.iter().fold(0, |sum, molecule| sum.saturating_add(molecule.reads)),
        };
        groups.map(entry).collect::<Vec<_>>()
    });
    entries.collect()
}

// All genes of a cell together, by gene, then by UMI.
fn by_cell(molecules: Molecules, count: impl Fn(&[Placed]) -> Vec<Entry> + Sync + Send) -> Vec<Entry> {
    let mut placed = Vec::new();
    for (gene, table) in molecules.into_genes().into_iter().enumerate() {
        let place = |Molecule { umi, cell, reads }| Placed { umi, cell, gene: gene as u32, reads };
        placed.extend(table.into_iter().map(place));
    }
    placed.par_sort_unstable_by_key(|molecule| (molecule.cell, molecule.gene, molecule.umi));
    let cells: Vec<&[Placed]> = placed.chunk_by(|a, b| a.cell == b.cell).collect();
    cells.into_par_iter().flat_map_iter(count).collect()
}

// Counts what stays of each gene of a cell; genes of which nothing stays have no entry.
fn entries<'a>(cell: &'a [Placed], stays: &'a [bool]) -> impl Iterator<Item = Entry> + 'a {
    let mut place = 0;
    let genes = cell.chunk_by(|a, b| a.gene == b.gene).map(move |group| {
        let stay = &stays[place..place + group.len()];
        place += group.len();
        Entry {
            cell: group.first().map_or(0, |molecule| molecule.cell),
            gene: group.first().map_or(0, |molecule| molecule.gene),
            count: stay.iter().filter(|stays| **stays).count() as u32,
            reads: group.iter().fold(0, |sum, molecule| sum.saturating_add(molecule.reads)),
        }
    });
    genes.filter(|entry| entry.count > 0)
}

#[cfg(test)]
mod tests;
