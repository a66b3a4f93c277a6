//! Sparse rows from entries as a file has them: in any order, repeated, not yet known to be counts.

use arrow::array::{RecordBatch, StringArray};

use crate::cells::{Cells, ValueKind, Values};

/// A value this close to a whole number is that number.
const TOLERANCE: f64 = 1e-3;

/// Rows that are being put together.
pub(crate) struct Rows {
    starts: Vec<usize>,
    genes: Vec<u32>,
    values: Values,
    rejected: Vec<(usize, String)>,
    rounded: u64,
}

impl Rows {
    pub(crate) fn new(kind: ValueKind) -> Self {
        let values = match kind {
            ValueKind::Counts => Values::Counts(Vec::new()),
            ValueKind::Floats => Values::Floats(Vec::new()),
        };
        Self { starts: vec![0], genes: Vec::new(), values, rejected: Vec::new(), rounded: 0 }
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Adds a row; entries of the same gene are summed. `name` gives the name of a gene for messages.
    pub(crate) fn push(&mut self, entries: &mut Vec<(u32, f64)>, name: impl Fn(u32) -> String) {
        if !entries.is_sorted_by(|left, right| left.0 < right.0) {
            entries.sort_by_key(|&(gene, _)| gene);
            entries.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
        }
        let checked = match &mut self.values {
            Values::Counts(values) => counts(entries, &mut self.genes, values, &name),
            Values::Floats(values) => floats(entries, &mut self.genes, values, &name),
        };
        match checked {
            Ok(rounded) => {
                self.rounded += rounded;
                self.starts.push(self.genes.len());
            }
            Err(reason) => self.reject(reason),
        }
    }

    /// Adds an empty row for a cell that cannot be used.
    pub(crate) fn reject(&mut self, reason: String) {
        let start = self.starts.last().copied().unwrap_or_default();
        self.genes.truncate(start);
        match &mut self.values {
            Values::Counts(values) => values.truncate(start),
            Values::Floats(values) => values.truncate(start),
        }
        self.rejected.push((self.len(), reason));
        self.starts.push(start);
    }

    /// The rows as cells.
    pub(crate) fn finish(self, ids: StringArray, obs: RecordBatch) -> Cells {
        let Self { starts, genes, values, rejected, rounded } = self;
        Cells { first: 0, ids, obs, starts, genes, values, rejected, rounded }
    }
}

/// Whether a value is one that [`Rows`] takes for a count.
pub(crate) fn is_count(value: f64) -> bool {
    value.is_finite() && (value - value.round()).abs() <= TOLERANCE
}

fn counts(
    entries: &[(u32, f64)],
    genes: &mut Vec<u32>,
    values: &mut Vec<i32>,
    name: &impl Fn(u32) -> String,
) -> Result<u64, String> {
    let mut rounded = 0;
    for &(gene, value) in entries {
        let whole = value.round();
        let refused = |what: String| Err(format!("{what} for gene {}", name(gene)));
        if value.is_nan() {
            return refused("NaN".to_owned());
        }
        if whole < 0.0 {
            return refused(format!("negative count {value}"));
        }
        if !is_count(value) {
            return refused(format!("count {value}, which is not a whole number,"));
        }
        if whole > f64::from(i32::MAX) {
            return refused(format!("count {whole} (more than {})", i32::MAX));
        }
        rounded += u64::from(value != whole);
        if whole > 0.0 {
            genes.push(gene);
            values.push(whole as i32);
        }
    }
    Ok(rounded)
}

fn floats(
    entries: &[(u32, f64)],
    genes: &mut Vec<u32>,
    values: &mut Vec<f32>,
    name: &impl Fn(u32) -> String,
) -> Result<u64, String> {
    for &(gene, value) in entries {
        let narrow = value as f32;
        if !narrow.is_finite() {
            let what = if value.is_nan() { "NaN".to_owned() } else { format!("value {value}") };
            return Err(format!("{what} for gene {}", name(gene)));
        }
        if narrow != 0.0 {
            genes.push(gene);
            values.push(narrow);
        }
    }
    Ok(0)
}
