use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::compute::take;

use super::block::Block;
use super::scored::Scored;
use super::shape::{IN_DOMAIN_TANIMOTO, Row, Shape};
use crate::Result;
use crate::checkpoint::{CheckpointConfig, Objective};
use crate::read::Source;

/// A table that is being built.
pub(super) struct Table<'a> {
    pub(super) config: &'a CheckpointConfig,
    pub(super) shape: &'a Shape,
    pub(super) block: &'a Block,
    pub(super) scored: &'a Scored,
    pub(super) rows: &'a [Row<'a>],
}

impl Table<'_> {
    pub(super) fn build(&self) -> Result<RecordBatch> {
        let scores = &self.scored.scores;
        let ids = self.rows.iter().map(|row| Some(self.block.entries[row.entry].id.as_str()));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(ids.collect::<StringArray>()),
            Arc::new(self.rows.iter().map(|row| self.smiles(row)).collect::<StringArray>()),
            Arc::new(self.rows.iter().map(|row| Some(row.target)).collect::<StringArray>()),
        ];
        columns.extend(self.others()?);
        columns.extend([self.numbers(&scores.score), self.numbers(&scores.std)]);
        if self.config.objective == Objective::Both {
            columns.push(self.numbers(&scores.probability));
        }
        columns.extend(self.interval());
        let nearest = || self.rows.iter().map(|row| self.nearest(row));
        columns.push(Arc::new(nearest().collect::<Float32Array>()));
        let inside = nearest().map(|nearest| nearest.map(|nearest| nearest >= IN_DOMAIN_TANIMOTO));
        columns.push(Arc::new(inside.collect::<BooleanArray>()));
        if self.shape.keyed {
            columns.extend(self.keys());
        }
        if let Some(pairs) = self.block.pairs.as_ref().filter(|_| self.shape.sequences) {
            let sequence = |row: &Row| pairs.targets[row.row].1.as_deref();
            columns.push(Arc::new(self.rows.iter().map(sequence).collect::<StringArray>()));
        }
        Ok(RecordBatch::try_new(self.shape.schema(self.config), columns)?)
    }

    fn smiles(&self, row: &Row) -> Option<&str> {
        match &self.block.entries[row.entry].source {
            Source::Smiles(smiles) => Some(smiles.as_str()),
            Source::MolBlock(_) => self.scored.molecules.of(row.entry).as_ref().ok()?.written.as_deref(),
            Source::Missing(_) => None,
        }
    }

    /// The columns that pass through.
    fn others(&self) -> Result<Vec<ArrayRef>> {
        let Some(pairs) = &self.block.pairs else { return Ok(Vec::new()) };
        let places: UInt32Array = self.rows.iter().map(|row| u32::try_from(row.row).ok()).collect();
        Ok(pairs.others.columns().iter().map(|column| take(column, &places, None)).collect::<Result<_, _>>()?)
    }

    fn numbers(&self, of: &[f64]) -> ArrayRef {
        let number = |row: &Row| Some(*of.get(row.place?)? as f32);
        Arc::new(self.rows.iter().map(number).collect::<Float32Array>())
    }

    fn interval(&self) -> [ArrayRef; 2] {
        let side = |sign: f64| -> ArrayRef {
            let edge = |row: &Row| {
                let place = row.place?;
                let (score, std) = (self.scored.scores.score.get(place)?, self.scored.scores.std.get(place)?);
                let half = self.config.calibration.as_ref()?.half_width(self.shape.confidence, *std)?;
                Some((score + sign * half) as f32)
            };
            Arc::new(self.rows.iter().map(edge).collect::<Float32Array>())
        };
        [side(-1.0), side(1.0)]
    }

    // Also of a molecule whose target is refused.
    fn nearest(&self, row: &Row) -> Option<f32> {
        self.scored.molecules.of(row.entry).as_ref().ok().map(|text| text.nearest)
    }

    /// What rows are merged by.
    fn keys(&self) -> [ArrayRef; 3] {
        let each = if self.block.pairs.is_some() { 1 } else { self.scored.rows() / self.block.entries.len().max(1) };
        let first = self.block.first * each as u64;
        let kind = |row: &Row| self.scored.place(row.row).err().map(|rejection| rejection.kind.as_str());
        [
            Arc::new(self.rows.iter().map(|row| Some(row.group())).collect::<StringArray>()),
            Arc::new(self.rows.iter().map(|row| Some(first + row.row as u64)).collect::<UInt64Array>()),
            Arc::new(self.rows.iter().map(kind).collect::<StringArray>()),
        ]
    }
}
