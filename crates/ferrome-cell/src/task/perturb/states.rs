use std::thread;

use hashbrown::HashMap;

use super::compare::{cell, numbers};
use super::worker::represent;
use super::{Cell, Cells, Screen};
use crate::model::Geneformer;
use crate::{Error, Result};

/// Cells, each with the place of its state.
type Batch = Vec<(usize, Cell)>;

/// The mean vector of the cells of each state of the screen, over all cells that have one: `[states][d]`.
///
/// Sums are taken in f64 and in the order of the cells, so that neither the number of models nor their speed matters.
///
/// # Errors
///
/// A cell cannot be read or computed, or `stop` says so.
pub fn state_means(
    cells: Cells,
    screen: &Screen,
    models: &[Geneformer],
    batch_tokens: usize,
    stop: impl Fn() -> bool,
) -> Result<Vec<Vec<f32>>> {
    let place: HashMap<&str, usize> = screen.states.iter().enumerate().map(|(i, state)| (state.as_str(), i)).collect();
    let place = |cell: &Cell| place.get(cell.state.as_deref()?).copied();
    let mut sums: Vec<(Vec<f64>, f64)> = vec![(Vec::new(), 0.0); screen.states.len()];
    let mut cells = cells.filter_map(|cell| match cell {
        Ok(cell) if cell.problem.is_some() => None,
        Ok(cell) => place(&cell).map(|place| Ok((place, cell))),
        Err(error) => Some(Err(error)),
    });
    loop {
        if stop() {
            return Err(Error::Stopped);
        }
        let batches = models.iter().map(|_| take(&mut cells, batch_tokens)).collect::<Result<Vec<Batch>>>()?;
        if batches.iter().all(Vec::is_empty) {
            break;
        }
        for (place, vector) in compute(screen, models, &batches)? {
            let Some((sum, count)) = sums.get_mut(place) else { continue };
            sum.resize(vector.len(), 0.0);
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(value));
            *count += 1.0;
        }
    }
    let named = screen.states.iter().zip(sums);
    named
        .map(|(state, (sum, count))| match count {
            0.0 => Err(Error::Perturb(format!("no cell of the state `{state}` can be computed"))),
            _ => Ok(sum.into_iter().map(|sum| (sum / count) as f32).collect()),
        })
        .collect()
}

fn take(cells: &mut impl Iterator<Item = Result<(usize, Cell)>>, batch_tokens: usize) -> Result<Batch> {
    let (mut batch, mut tokens) = (Vec::new(), 0);
    while tokens < batch_tokens {
        let Some(cell) = cells.next().transpose()? else { break };
        tokens += cell.1.tokens.len();
        batch.push(cell);
    }
    Ok(batch)
}

// Each model computes one of the batches; the vectors come in the order of the cells.
fn compute(screen: &Screen, models: &[Geneformer], batches: &[Batch]) -> Result<Vec<(usize, Vec<f32>)>> {
    let shared: Vec<Geneformer> = models.iter().map(Geneformer::share).collect();
    thread::scope(|scope| {
        let running = shared.into_iter().zip(batches).map(|(model, batch)| {
            scope.spawn(move || {
                let _no_grad = tch::no_grad_guard();
                vectors(screen, &model, batch)
            })
        });
        let running: Vec<_> = running.collect();
        let done = running.into_iter().map(|thread| thread.join().map_err(|_| ferrome_core::Error::Panicked)?);
        Ok(done.collect::<Result<Vec<_>>>()?.concat())
    })
}

fn vectors(screen: &Screen, model: &Geneformer, batch: &Batch) -> Result<Vec<(usize, Vec<f32>)>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let cells: Vec<&[i32]> = batch.iter().map(|(_, cell)| cell.tokens.as_slice()).collect();
    let x = represent(model, screen, &cells)?;
    batch.iter().zip(x).map(|((place, _), x)| Ok((*place, numbers(&cell(&x, screen)?)?))).collect()
}
