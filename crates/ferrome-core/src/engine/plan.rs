//! Planning a window: which rows are computed, which share another row's computation, which are rejected.

use hashbrown::HashMap;

use super::window::{Row, Unit, Window};
use super::{Options, Rejection, Task};
use crate::batch::cut;
use crate::fingerprint::Fingerprint;
use crate::journal::{RunDescription, Statistics};

/// How many inputs are remembered across windows.
const REMEMBERED: usize = 1_000_000;

/// Where an input was computed first: part and row. First come, first remembered, so that a resumed run agrees.
pub(super) struct Remembered {
    places: HashMap<u128, (u32, u32)>,
    capacity: usize,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { places: HashMap::new(), capacity: REMEMBERED }
    }
}

/// Where a row of the table comes from.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// From the model: batch and row in it.
    Computed(usize, usize),
    /// From an earlier part: part and row in it.
    Earlier(usize, usize),
    /// From nowhere.
    Rejected(Rejection),
}

/// An item that goes through the model, with the name of the first record that has it.
pub(super) struct Input<I> {
    pub(super) unit: Unit<I>,
    pub(super) name: String,
}

/// A window made ready.
pub(super) struct Plan<T: Task> {
    pub(super) records: Vec<T::Record>,
    /// One for each row.
    pub(super) sources: Vec<Source>,
    /// The batches, in the order in which they are handed out.
    pub(super) batches: Vec<Vec<Input<T::Item>>>,
    /// Token counts; the assembler fills in the rows.
    pub(super) statistics: Statistics,
}

/// Before batches are cut: where a row's values come from.
enum Origin {
    Unique(usize),
    Earlier(usize, usize),
    Rejected(Rejection),
}

impl Remembered {
    /// Plans `window`, and remembers its inputs.
    pub(super) fn plan<T: Task>(&mut self, task: &T, options: &Options, window: Window<T>) -> Plan<T> {
        let number = window.number;
        let mut here: HashMap<u128, usize> = HashMap::new();
        let (mut records, mut origins, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        for (position, Row { record, item }) in window.rows.into_iter().enumerate() {
            origins.push(match item {
                Err(rejection) => Origin::Rejected(rejection),
                Ok(unit) => match (self.places.get(&unit.identity), here.get(&unit.identity)) {
                    (_, Some(&unique)) => Origin::Unique(unique),
                    (Some(&(part, row)), None) => Origin::Earlier(part as usize, row as usize),
                    (None, None) => {
                        here.insert(unit.identity, inputs.len());
                        self.remember(unit.identity, number, position);
                        inputs.push(Input { unit, name: task.name(&record).to_owned() });
                        Origin::Unique(inputs.len() - 1)
                    }
                },
            });
            records.push(record);
        }
        let lengths: Vec<usize> = inputs.iter().map(|input| input.unit.tokens).collect();
        let cut = cut(&lengths, options.batch_tokens, task.layout());
        let places = places(&cut.batches, inputs.len());
        let statistics = Statistics { tokens: cut.tokens, padded_tokens: cut.padded_tokens, ..Statistics::default() };
        let sources = origins.into_iter().map(|origin| source(origin, &places)).collect();
        Plan { records, sources, batches: deal(&cut.batches, inputs), statistics }
    }

    fn remember(&mut self, identity: u128, part: usize, row: usize) {
        if self.places.len() < self.capacity
            && let (Ok(part), Ok(row)) = (u32::try_from(part), u32::try_from(row))
        {
            self.places.insert(identity, (part, row));
        }
    }
}

/// Batch and row of each unique input.
fn places(batches: &[Vec<usize>], count: usize) -> Vec<(usize, usize)> {
    let mut places = vec![(0, 0); count];
    for (batch, members) in batches.iter().enumerate() {
        for (row, &member) in members.iter().enumerate() {
            if let Some(place) = places.get_mut(member) {
                *place = (batch, row);
            }
        }
    }
    places
}

fn source(origin: Origin, places: &[(usize, usize)]) -> Source {
    match origin {
        Origin::Unique(unique) => {
            let (batch, row) = places.get(unique).copied().unwrap_or_default();
            Source::Computed(batch, row)
        }
        Origin::Earlier(part, row) => Source::Earlier(part, row),
        Origin::Rejected(rejection) => Source::Rejected(rejection),
    }
}

/// Moves the inputs into their batches.
fn deal<I>(batches: &[Vec<usize>], inputs: Vec<Input<I>>) -> Vec<Vec<Input<I>>> {
    let mut inputs: Vec<Option<Input<I>>> = inputs.into_iter().map(Some).collect();
    let mut take = |member: &usize| inputs.get_mut(*member).and_then(Option::take);
    batches.iter().map(|members| members.iter().filter_map(&mut take).collect()).collect()
}

/// What a batch is made from: the run's description and the identities of its items, in order.
pub(super) fn digest<I>(description: &RunDescription, batch: &[Input<I>]) -> u128 {
    let mut digest = Fingerprint::new();
    for (key, value) in description.entries() {
        digest.push(key.as_bytes());
        digest.push(value.as_bytes());
    }
    for input in batch {
        digest.push(&input.unit.identity.to_le_bytes());
    }
    digest.finish()
}
