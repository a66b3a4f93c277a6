use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use ferrome_core::batch::{Layout, cut};
use hashbrown::HashMap;
use tch::Device;

use super::loaded::{Loaded, Model};
use crate::checkpoint::{Encoded, Ensemble};
use crate::inputs::{Drug, Rows};
use crate::{Error, Result};

/// Proteins whose encodings a lane remembers.
const REMEMBERED: usize = 4096;

/// A model on a device, and what it has encoded.
pub(super) struct Lane {
    pub(super) ensemble: Ensemble,
    device: Device,
    /// The targets of the run, where every molecule is scored against all of them.
    targets: Option<Encoded>,
    /// Proteins by identity.
    proteins: HashMap<u128, Encoded>,
}

/// A model for each thread on a CPU, or for each CUDA device.
pub(super) struct Lanes {
    lanes: Vec<Mutex<Lane>>,
    next: AtomicUsize,
    /// Where the weights go afterwards.
    loaded: Arc<Loaded>,
}

impl Lanes {
    pub(super) fn load(model: &Model, devices: &[Device], threads: usize) -> Result<Self> {
        let each = |device: Device| if device == Device::Cpu { threads.max(1) } else { 1 };
        let places = devices.iter().flat_map(|&device| std::iter::repeat_n(device, each(device)));
        let lane = |device| {
            let ensemble = model.ensemble(device)?;
            Ok(Mutex::new(Lane { ensemble, device, targets: None, proteins: HashMap::new() }))
        };
        Ok(Self { lanes: places.map(lane).collect::<Result<_>>()?, next: AtomicUsize::new(0), loaded: model.loaded() })
    }

    /// Encodes the targets of the run: `rows` (empty where the model looks at none) and sequences.
    pub(super) fn set_targets(&mut self, rows: &[Vec<f32>], sequences: &[&[u8]]) -> Result<()> {
        for lanes in self.lanes.chunk_by_mut(|one, other| locked(one).device == locked(other).device) {
            let mut lanes: Vec<&mut Lane> =
                lanes.iter_mut().map(|lane| lane.get_mut().unwrap_or_else(PoisonError::into_inner)).collect();
            let encoded = encode_together(&mut lanes, rows, sequences)?;
            for lane in lanes {
                lane.targets = Some(encoded.share());
            }
        }
        Ok(())
    }

    /// A lane that is free, or the next one that becomes free.
    pub(super) fn lane(&self) -> Result<MutexGuard<'_, Lane>> {
        // What a block computes stays on its thread, as other blocks are computed beside it.
        tch::set_num_threads(1);
        if let Some(free) = self.lanes.iter().find_map(|lane| lane.try_lock().ok()) {
            return Ok(free);
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len().max(1);
        let lane = self.lanes.get(turn).ok_or_else(|| Error::Model("no device to run on".into()))?;
        Ok(locked(lane))
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        for lane in self.lanes.drain(..) {
            let Lane { ensemble, device, .. } = lane.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.loaded.put(device, ensemble);
        }
    }
}

fn locked(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Encodes targets on lanes of one device, each its share; one target at a time, so that it does not see the others.
fn encode_together(lanes: &mut [&mut Lane], rows: &[Vec<f32>], sequences: &[&[u8]]) -> Result<Encoded> {
    let each = sequences.len().div_ceil(lanes.len().max(1)).max(1);
    let of_lane = |lane: &Lane, first: usize, sequences: &[&[u8]]| -> Result<Vec<Encoded>> {
        tch::set_num_threads(1);
        let one = |(place, sequence): (usize, &&[u8])| {
            let row: Vec<&[f32]> = rows.get(place).map(Vec::as_slice).into_iter().collect();
            lane.ensemble.proteins(&row, &[sequence])
        };
        (first..).zip(sequences).map(one).collect()
    };
    let parts: Vec<Vec<Encoded>> = thread::scope(|scope| {
        let shares = lanes.iter_mut().zip(sequences.chunks(each)).enumerate();
        let threads: Vec<_> =
            shares.map(|(share, (lane, some))| scope.spawn(move || of_lane(lane, share * each, some))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.unwrap_or_else(|_| Err(Error::Model("a thread panicked".into()))))
            .collect::<Result<_>>()
    })?;
    Encoded::concatenated(&parts.into_iter().flatten().collect::<Vec<_>>())
}

impl Lane {
    /// Encodes molecules, in their order.
    pub(super) fn drugs(&self, drugs: &[&Drug]) -> Result<Encoded> {
        let lengths: Vec<usize> = drugs.iter().map(|drug| drug.atoms().max(1)).collect();
        let with_graphs = self.ensemble.config().has_graphs();
        let budget = match (with_graphs, self.device) {
            (true, Device::Cpu) => 2048,
            (true, _) => 65_536,
            (false, _) => 4096,
        };
        let batches = cut(&lengths, budget, Layout::Packed).batches;
        let some = |batch: &Vec<usize>| self.ensemble.drugs(&batch.iter().map(|&i| drugs[i]).collect::<Vec<_>>());
        let encoded = Encoded::concatenated(&batches.iter().map(some).collect::<Result<Vec<_>>>()?)?;
        if batches.iter().flatten().is_sorted() {
            return Ok(encoded);
        }
        let mut places = vec![0; drugs.len()];
        for (place, &i) in (0..).zip(batches.iter().flatten()) {
            places[i] = place;
        }
        encoded.select(&places)
    }

    /// The targets of the run.
    pub(super) fn targets(&self) -> Result<&Encoded> {
        self.targets.as_ref().ok_or_else(|| Error::Model("the run has no targets".into()))
    }

    /// Encodes proteins, in their order: identity, row of numbers and sequence of each.
    pub(super) fn proteins(&mut self, proteins: &[(u128, &[f32], &[u8])]) -> Result<Encoded> {
        if self.proteins.len() > REMEMBERED {
            self.proteins.clear();
        }
        for (identity, row, sequence) in proteins {
            if !self.proteins.contains_key(identity) {
                let encoded = self.ensemble.proteins(&[row], &[sequence])?;
                self.proteins.insert(*identity, encoded);
            }
        }
        let known = proteins.iter().filter_map(|(identity, ..)| self.proteins.get(identity)).map(Encoded::share);
        Encoded::concatenated(&known.collect::<Vec<_>>())
    }
}

/// The row of numbers of a protein; empty where the model looks at none.
pub(super) fn row(rows: Option<&Rows>, id: &str, sequence: &[u8]) -> Result<Vec<f32>, String> {
    rows.map_or_else(|| Ok(Vec::new()), |rows| rows.row(id, sequence))
}
