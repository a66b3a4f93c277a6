use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::checkpoint::{CheckpointConfig, Objective};

/// A molecule at least this similar (Tanimoto, ECFP4) to one that the model was trained on is in its domain.
pub const IN_DOMAIN_TANIMOTO: f32 = 0.4;

/// Columns that rows are merged by, and that are not written.
pub(super) const TARGET: &str = "_target";
pub(super) const ROW: &str = "_row";
pub(super) const KIND: &str = "_kind";
/// What a second model needs of a row.
pub(super) const SEQUENCE: &str = "_sequence";

/// Which rows are kept, and in which order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rank {
    /// All, in the order of the input.
    Input,
    /// All, the best of each target first.
    Sorted,
    /// So many of each target, the best first.
    Best(usize),
}

/// What a table looks like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Columns of the input that pass through.
    pub(super) others: SchemaRef,
    /// Of the intervals.
    pub(super) confidence: f64,
    pub(super) rank: Rank,
    /// Whether there are the columns that rows are merged by.
    pub(super) keyed: bool,
    /// Whether there are the sequences of pairs, for a second model.
    pub(super) sequences: bool,
}

/// A row of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Its place in the block.
    pub(super) row: usize,
    /// Its molecule's place in the block.
    pub(super) entry: usize,
    /// The id of its target.
    pub(super) target: &'a str,
    /// The place of its target among those of the run.
    pub(super) target_place: Option<usize>,
    /// Its place in the scores.
    pub(super) place: Option<usize>,
    /// Its score as it will be written, which is what parts are merged by.
    pub(super) score: Option<f32>,
}

impl Row<'_> {
    /// What rows are put in order by first: the place of the target, or its id.
    pub(super) fn group(&self) -> String {
        self.target_place.map_or_else(|| self.target.to_owned(), |place| format!("{place:08}"))
    }
}

impl Rank {
    /// The rows that are kept of the rows of each target, in their order.
    pub(super) fn ordered<'a>(self, targets: impl IntoIterator<Item = Vec<Row<'a>>>) -> Vec<Row<'a>> {
        let order = |a: &Row, b: &Row| descending(a.score, b.score).then(a.row.cmp(&b.row));
        let mut ordered = Vec::new();
        for mut rows in targets {
            if let Self::Best(most) = self {
                rows.retain(|row| row.place.is_some());
                if rows.len() > most {
                    rows.select_nth_unstable_by(most, order);
                    rows.truncate(most);
                }
            }
            rows.sort_unstable_by(order);
            ordered.extend(rows);
        }
        ordered
    }
}

impl Shape {
    /// How many rows of each target are kept, where not all are.
    pub(super) fn best(&self) -> Option<usize> {
        if let Rank::Best(most) = self.rank { Some(most) } else { None }
    }

    pub(super) fn schema(&self, config: &CheckpointConfig) -> SchemaRef {
        let mut fields = self.written(config);
        if self.keyed {
            fields.push(Field::new(TARGET, DataType::Utf8, false).into());
            fields.push(Field::new(ROW, DataType::UInt64, false).into());
            fields.push(Field::new(KIND, DataType::Utf8, true).into());
        }
        if self.sequences {
            fields.push(Field::new(SEQUENCE, DataType::Utf8, true).into());
        }
        Arc::new(Schema::new(fields))
    }

    /// The columns of the output, but for `error`.
    pub(super) fn written(&self, config: &CheckpointConfig) -> Vec<FieldRef> {
        let text = |name: &str, nullable| Arc::new(Field::new(name, DataType::Utf8, nullable));
        let number = |name: &str| Arc::new(Field::new(name, DataType::Float32, true));
        let mut fields = vec![text("drug_id", false), text("smiles", true), text("target_id", false)];
        fields.extend(self.others.fields().iter().cloned());
        fields.extend(["score", "std"].map(number));
        fields.extend((config.objective == Objective::Both).then(|| number("probability")));
        fields.extend(["lower", "upper", "nearest_train_tanimoto"].map(number));
        fields.push(Arc::new(Field::new("in_domain", DataType::Boolean, true)));
        fields
    }
}

/// The rows of pairs by target.
pub(super) fn by_target(mut rows: Vec<Row<'_>>) -> Vec<Vec<Row<'_>>> {
    rows.sort_by_key(|row| row.target);
    rows.chunk_by(|a, b| a.target == b.target).map(<[Row]>::to_vec).collect()
}

/// The larger first; what is none, last.
pub(super) fn descending(one: Option<f32>, other: Option<f32>) -> Ordering {
    let key = |score: Option<f32>| score.unwrap_or(f32::NEG_INFINITY);
    other.is_some().cmp(&one.is_some()).then(key(other).total_cmp(&key(one)))
}
