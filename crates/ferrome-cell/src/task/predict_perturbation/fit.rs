//! The training: steps, checkpoints, and going on after a stop.

use std::path::Path;

use ferrome_core::fingerprint::{Fingerprint, hex};
use ferrome_core::interrupt::Interrupt;
use ferrome_core::journal::{Lock, RunDescription};
use ferrome_core::train::{AdamW, read_state, state_entry, write_tensors};
use ferrome_core::weights::Checkpoint;
use rand::seq::{IndexedRandom, index};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Device, Reduction, Tensor};

use super::{Screen, Split, TrainConfig};
use crate::model::scgpt::{Batch, CellTokens, Generator};
use crate::{Error, Result};

/// What a run goes on from.
const CHECKPOINT: &str = "checkpoint.safetensors";
/// In the folder as long as a run writes into it.
const LOCK: &str = ".ferrome-lock";

/// What a run is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// How to train.
    pub config: &'a TrainConfig,
    /// The cells.
    pub screen: &'a Screen,
    /// What is learnt and what is held out.
    pub split: &'a Split,
    /// What it begins from: `random`, or the fingerprint of a foundation.
    pub from: &'a str,
    /// The folder that it writes.
    pub folder: &'a Path,
    /// Where it runs.
    pub device: Device,
    /// Forget an earlier run into the folder.
    pub overwrite: bool,
    /// Asks the run to stop after the step in hand.
    pub interrupt: Interrupt,
}

/// How far a run is; told after every step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done, those of earlier runs included.
    pub step: u64,
    /// Of so many.
    pub steps: u64,
    /// Mean squared error of the last step.
    pub loss: f64,
}

#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct State {
    description: RunDescription,
    step: u64,
}

/// Trains `generator`, or goes on with an earlier run into the same folder: the result is the same to the last bit.
///
/// # Errors
///
/// Another run writes into the folder, or it holds a run with other data or options (listed); it cannot be written; the training
/// diverges; [`Error::Interrupted`] after Ctrl-C, with everything kept.
pub fn train(start: &Start, generator: &Generator, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
    fs_err::create_dir_all(start.folder)?;
    let lock = Lock::take(start.folder.join(LOCK), start.folder)?;
    let done = run(start, generator, tell);
    lock.release()?;
    done
}

fn run(start: &Start, generator: &Generator, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
    let config = start.config;
    let mut optimiser = AdamW::new(generator.parameters(), config.optimiser())?;
    let mut state = State { description: describe(start)?, step: 0 };
    resume(start, &mut optimiser, &mut state)?;
    while state.step < config.steps {
        let loss = step(start, generator, state.step)?;
        loss.f_backward()?;
        optimiser.step(config.schedule().rate(state.step))?;
        state.step += 1;
        tell(&Progress { step: state.step, steps: config.steps, loss: loss.f_double_value(&[])? });
        let (last, stop) = (state.step == config.steps, start.interrupt.is_raised());
        if last || stop || state.step.is_multiple_of(config.checkpoint_every) {
            keep(start, generator, &optimiser, &state)?;
        }
        if stop && !last {
            return Err(Error::Interrupted {
                done: format!("{} of {} steps", state.step, config.steps),
                overwrite: start.overwrite,
            });
        }
    }
    Ok(())
}

fn resume(start: &Start, optimiser: &mut AdamW, state: &mut State) -> Result<()> {
    let path = start.folder.join(CHECKPOINT);
    if start.overwrite || !path.exists() {
        return Ok(());
    }
    let checkpoint = Checkpoint::open(&path)?;
    let earlier: State = read_state(&checkpoint).map_err(|e| Error::file(&path, e.to_string()))?;
    state.description.refuse_other(&earlier.description, start.folder)?;
    optimiser.restore(&checkpoint, i32::try_from(earlier.step).unwrap_or(i32::MAX))?;
    *state = earlier;
    Ok(())
}

fn keep(start: &Start, generator: &Generator, optimiser: &AdamW, state: &State) -> Result<()> {
    let all: Vec<_> = generator.parameters().into_iter().chain(optimiser.state()).collect();
    Ok(write_tensors(&all, [state_entry(state)?], &start.folder.join(CHECKPOINT))?)
}

// What must be the same for a run to go on.
fn describe(start: &Start) -> Result<RunDescription> {
    let Start { screen, split, .. } = start;
    let mut data = Fingerprint::new();
    for gene in &screen.genes {
        data.push(gene.as_bytes());
    }
    for (cell, &condition) in screen.of.iter().enumerate() {
        data.push(&(condition as u64).to_le_bytes());
        let bytes: Vec<u8> = screen.cell(cell).iter().flat_map(|value| value.to_le_bytes()).collect();
        data.push(&bytes);
    }
    let mut description = RunDescription::new()
        .with("cells", hex(data.finish()))
        .with("held out", format!("{:?}", split.test))
        .with("from", start.from);
    description.set_options(start.config, &[])?;
    Ok(description)
}

/// Control cells, turned into cells of conditions: the mean squared error over the genes taken.
fn step(start: &Start, generator: &Generator, step: u64) -> Result<Tensor> {
    let Start { screen, split, config, .. } = start;
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    random.set_stream(step);
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    let (mut flags, mut targets) = (Vec::new(), Vec::<f32>::new());
    let pick = |cells: &[usize], random: &mut ChaCha8Rng| cells.choose(random).copied().unwrap_or_default();
    for _ in 0..config.batch_cells {
        let condition = &screen.conditions[split.train.choose(&mut random).copied().unwrap_or_default()];
        let (before, after) = (pick(&screen.control().cells, &mut random), pick(&condition.cells, &mut random));
        let taken = genes(screen.genes.len(), &condition.genes, config.genes_per_step, &mut random);
        let (before, after) = (screen.cell(before), screen.cell(after));
        tokens.push(taken.iter().map(|&gene| screen.tokens[gene]).collect::<Vec<i32>>());
        values.push(taken.iter().map(|&gene| before[gene]).collect::<Vec<f32>>());
        flags.extend(taken.iter().map(|gene| i64::from(condition.genes.contains(gene))));
        targets.extend(taken.iter().map(|&gene| after[gene]));
    }
    let cells = tokens.iter().zip(&values).map(|(tokens, values)| CellTokens { tokens, values });
    let batch = Batch::new(&cells.collect::<Vec<_>>(), start.device)?.with_flags(&flags)?;
    let found = generator.forward(&batch, |_, _| Ok(()))?;
    let targets = Tensor::f_from_slice(&targets)?.f_to_device(start.device)?;
    Ok(found.values.f_mse_loss(&targets, Reduction::Mean)?)
}

/// So many genes by chance, those that are perturbed among them; ascending.
fn genes(all: usize, perturbed: &[usize], most: usize, random: &mut impl Rng) -> Vec<usize> {
    if all <= most {
        return (0..all).collect();
    }
    let mut taken = index::sample(random, all, most).into_vec();
    let missing: Vec<usize> = perturbed.iter().copied().filter(|gene| !taken.contains(gene)).collect();
    let mut places = taken.iter_mut().filter(|gene| !perturbed.contains(gene));
    for gene in missing {
        if let Some(place) = places.next() {
            *place = gene;
        }
    }
    drop(places);
    taken.sort_unstable();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perturbed_genes_are_always_taken() {
        for seed in 0..50 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let taken = genes(100, &[3, 97], 5, &mut random);
            assert!(taken.contains(&3) && taken.contains(&97), "{taken:?}");
            assert!(taken.is_sorted() && taken.len() == 5);
            assert!(taken.windows(2).all(|pair| pair[0] < pair[1]), "{taken:?}");
        }
        assert_eq!(genes(4, &[1], 9, &mut ChaCha8Rng::seed_from_u64(1)), [0, 1, 2, 3]);
    }
}
