use super::ScGpt;
use super::chance::{Chance, Purpose};
use super::columns::Columns;
use crate::tokenize::binning::{Draw, Intervals};
use crate::tokenize::slots::Row;

/// Encodes cells one after the other; memory is used again from cell to cell.
pub(super) struct Encoder<'a> {
    scgpt: &'a ScGpt,
    /// All genes that become tokens, where those without counts do as well.
    slots: Vec<usize>,
    intervals: Intervals,
    /// Genes of the cell that become tokens, before zero genes are added.
    present: Vec<usize>,
    /// Their counts, where all are whole numbers.
    counts: Vec<i32>,
    /// Their values, then their bins.
    values: Vec<f32>,
    /// What is written: token and value.
    pairs: Vec<(i32, f32)>,
    /// What chance depends on.
    content: Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(scgpt: &'a ScGpt) -> Self {
        let slots = if scgpt.options.zero_genes { scgpt.panel.slots().collect() } else { Vec::new() };
        let (present, counts, values, pairs, content) = Default::default();
        Self { scgpt, slots, intervals: Intervals::default(), present, counts, values, pairs, content }
    }

    /// Writes the tokens of a cell.
    pub(super) fn encode(&mut self, row: &Row, columns: &mut Columns) {
        let options = &self.scgpt.options;
        self.take(row);
        let drawn = options.binning.is_some_and(|binning| binning.draw == Draw::Uniform);
        let length = if options.zero_genes { self.slots.len() } else { self.present.len() };
        let room = options.max_length.saturating_sub(1);
        let chance = (drawn || length > room).then(|| {
            let tokens = row.slots.iter().map(|&slot| self.scgpt.tokens[slot as usize]);
            Chance::of_cell(options.seed, tokens.zip(row.values.iter().copied()), &mut self.content)
        });
        self.bin(chance.as_ref());
        self.pair();
        if let Some(chance) = chance.filter(|_| length > room) {
            chance.stream(Purpose::Sample).sample(&mut self.pairs, room);
            self.pairs.truncate(room);
        }
        columns.extend(&[(self.scgpt.cls, options.cls_value)]);
        columns.extend(&self.pairs);
    }

    /// Takes the genes that become tokens, with their normalised values.
    fn take(&mut self, row: &Row) {
        let ScGpt { options, panel, .. } = self.scgpt;
        let entries = || row.slots.iter().map(|&slot| slot as usize).zip(row.values.iter().copied());
        let scale = options.normalization.of_cell(match options.normalization.target {
            Some(_) => entries().filter(|&(slot, _)| panel.counts(slot)).map(|(_, value)| value).sum(),
            None => 0.0,
        });
        self.present.clear();
        self.counts.clear();
        self.values.clear();
        for (slot, value) in entries().filter(|&(slot, _)| panel.has(slot)) {
            self.present.push(slot);
            self.values.push(scale.value(value as f32));
            let count = value as i32;
            if f64::from(count) == value {
                self.counts.push(count);
            }
        }
    }

    /// Replaces values by their bins.
    fn bin(&mut self, chance: Option<&Chance>) {
        let Some(binning) = self.scgpt.options.binning else { return };
        let counts = (self.counts.len() == self.values.len()).then_some(self.counts.as_slice());
        self.intervals.read(&self.values, counts, binning);
        let mut stream = match binning.draw {
            Draw::Middle => None,
            Draw::Uniform => chance.map(|chance| chance.stream(Purpose::Bins)),
        };
        for (i, value) in self.values.iter_mut().enumerate() {
            let count = counts.and_then(|counts| counts.get(i)).copied().unwrap_or(-1);
            let u = stream.as_mut().map_or(0.5, |stream| stream.unit());
            *value = self.intervals.choice(*value, count).bin(u);
        }
    }

    /// Pairs tokens and values in the order of the genes, those without counts among them where they are asked for.
    fn pair(&mut self) {
        let tokens = &self.scgpt.tokens;
        let mut present = self.present.iter().copied().zip(self.values.iter().copied()).peekable();
        self.pairs.clear();
        if self.scgpt.options.zero_genes {
            let mut value = |slot: usize| present.next_if(|&(next, _)| next == slot).map_or(0.0, |(_, value)| value);
            self.pairs.extend(self.slots.iter().map(|&slot| (tokens[slot], value(slot))));
        } else {
            self.pairs.extend(present.map(|(slot, value)| (tokens[slot], value)));
        }
    }
}
