//! Reading all cells before the first is tokenized: which genes have enough molecules, and which vary most.

mod batches;

use self::batches::Batches;
use super::{Options, Panel, Variable};
use crate::Result;
use crate::hvg::{CellRanger, Flavor, Moments, SeuratV3};
use crate::normalize::Normalization;
use crate::read::CellReader;
use crate::tokenize::slots::{Row, Slots};

/// About how many stored entries are held at a time.
const BLOCK: usize = 4 << 20;

/// Reads the cells once or twice and finds the genes that the options ask for.
///
/// `open` opens the same cells from the first one on. Cells that were rejected do not count, nor, where batches are asked
/// for, cells without one.
///
/// # Errors
///
/// The cells cannot be read, there is no such column of batches, or [`crate::Error::VariableGenes`].
pub fn survey<R: CellReader + ?Sized>(
    slots: &Slots,
    options: &Options,
    open: impl Fn() -> Result<Box<R>>,
) -> Result<Panel> {
    let genes = slots.genes().len();
    let batches = Batches::new(options.variable.as_ref().and_then(|variable| variable.batch.as_deref()));
    let mut pass = Pass { slots, batches, position: (0..genes).map(Some).collect() };
    let mut totals = Moments::new(genes);
    let mut moments: Vec<Moments> = Vec::new();
    pass.run(&mut *open()?, |batch, entries| {
        totals.add(entries.iter().copied());
        if let (Some(batch), Some(_)) = (batch, &options.variable) {
            moments.resize_with(moments.len().max(batch + 1), || Moments::new(genes));
            moments[batch].add(entries.iter().copied());
        }
    })?;
    let panel = Panel::of_counted(totals.sums().iter().map(|&sum| sum >= options.min_counts as f64).collect());
    let Some(variable) = &options.variable else { return Ok(panel) };
    // From here on genes are positions among those with enough molecules.
    let judged: Vec<usize> = panel.slots().collect();
    pass.keep(&judged);
    let moments: Vec<Moments> = moments.iter().map(|moments| moments.only(&judged)).collect();
    let mut reader = open()?;
    let selected = match variable.flavor {
        Flavor::SeuratV3 => pass.seurat_v3(&mut *reader, &moments, variable)?,
        Flavor::CellRanger => pass.cell_ranger(&mut *reader, &moments, variable, options.normalization)?,
    };
    Ok(panel.choose(selected.into_iter().filter_map(|gene| judged.get(gene).copied())))
}

/// What every pass over the cells needs.
struct Pass<'a> {
    slots: &'a Slots,
    batches: Batches<'a>,
    /// `[slots]`: what each gene is called in this pass; `None` where it is left out.
    position: Vec<Option<usize>>,
}

impl Pass<'_> {
    /// Leaves out all genes but these, which are called by their positions.
    fn keep(&mut self, slots: &[usize]) {
        self.position.fill(None);
        for (position, &slot) in slots.iter().enumerate() {
            self.position[slot] = Some(position);
        }
    }

    /// Calls `visit` with each cell that counts: its batch, if it has one, and its genes with their counts.
    fn run<R: CellReader + ?Sized>(
        &mut self,
        reader: &mut R,
        mut visit: impl FnMut(Option<usize>, &[(usize, f64)]),
    ) -> Result<()> {
        let (mut row, mut entries) = (Row::default(), Vec::new());
        while let Some(cells) = reader.next_cells(BLOCK)? {
            let batches = self.batches.of(&cells)?;
            let mut rejected = cells.rejected.iter().map(|&(row, _)| row).peekable();
            for (index, &batch) in batches.iter().enumerate() {
                if rejected.next_if_eq(&index).is_some() {
                    continue;
                }
                self.slots.gather(&cells, index, &mut row);
                let named = row.slots.iter().map(|&slot| self.position[slot as usize]).zip(&row.values);
                entries.clear();
                entries.extend(named.filter_map(|(gene, &value)| Some((gene?, value))));
                visit(batch, &entries);
            }
        }
        Ok(())
    }

    fn seurat_v3<R: CellReader + ?Sized>(
        &mut self,
        reader: &mut R,
        moments: &[Moments],
        variable: &Variable,
    ) -> Result<Vec<usize>> {
        let mut second = moments.iter().map(SeuratV3::new).collect::<Result<Vec<_>>>()?;
        self.run(reader, |batch, entries| {
            if let Some(second) = batch.and_then(|batch| second.get_mut(batch)) {
                second.add(entries.iter().copied());
            }
        })?;
        Ok(SeuratV3::select(&second, variable.genes))
    }

    fn cell_ranger<R: CellReader + ?Sized>(
        &mut self,
        reader: &mut R,
        moments: &[Moments],
        variable: &Variable,
        normalization: Normalization,
    ) -> Result<Vec<usize>> {
        let genes = moments.first().map_or(0, |moments| moments.sums().len());
        let mut second = vec![Moments::new(genes); moments.len()];
        self.run(reader, |batch, entries| {
            if let Some(second) = batch.and_then(|batch| second.get_mut(batch)) {
                let cell = normalization.of_cell(entries.iter().map(|&(_, count)| count).sum());
                second.add(entries.iter().map(|&(gene, count)| (gene, f64::from(cell.value(count as f32)))));
            }
        })?;
        // Within one of several batches, genes that none of its cells has are not judged.
        let several = second.len() > 1;
        let judge =
            |moments: &Moments| CellRanger::new(moments, |gene| !several || moments.sums()[gene] > 0.0, variable.genes);
        Ok(CellRanger::select(&second.iter().map(judge).collect::<Vec<_>>(), variable.genes))
    }
}

#[cfg(test)]
mod tests;
