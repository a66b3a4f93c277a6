//! From stored entries to sound cells: counts made whole, rows sorted, and cells that cannot be used rejected.
//!
//! Almost every block is sound as it is stored; that is seen while it is decoded, by all threads. Only spans of rows in
//! which something is amiss are looked at entry by entry.

mod repair;

use std::ops::Range;

use arrow::array::{Array, StringArray};
use rayon::prelude::*;

pub(super) use repair::fraction;
use repair::{Repaired, repair};

use super::hdf5::{Little, Numbers, with_number};
use crate::cells::{ValueKind, Values};

/// Entries that one thread decodes at a time.
const SPAN: usize = 1 << 16;

/// A block of rows as a file holds it: nothing is checked but that the lengths fit together.
#[derive(Debug)]
pub(super) struct RawRows {
    /// `[c + 1]`
    pub(super) starts: Vec<usize>,
    pub(super) genes: Numbers,
    pub(super) values: Numbers,
}

/// Sound rows; the parts of a [`Cells`](crate::cells::Cells) that come from the matrix.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) starts: Vec<usize>,
    pub(super) genes: Vec<u32>,
    pub(super) values: Values,
    pub(super) rejected: Vec<(usize, String)>,
    pub(super) rounded: u64,
}

/// A value of a sound cell.
trait Value: Copy + Default + PartialEq + Send + Sync {
    /// The value, and whether it may stay as it is.
    fn fast<T: Little>(stored: T) -> (Self, bool);

    /// What an entry counts for, and whether it was rounded; or why it cannot be used.
    fn settle(stored: f64) -> Result<(f64, bool), String>;

    /// The sum of the entries of a gene; or why it cannot be used.
    fn sum(sum: f64) -> Result<Self, String>;
}

/// Makes sound rows of stored ones. The error says what is wrong with the file.
pub(super) fn sound(raw: &RawRows, kind: ValueKind, ids: &StringArray) -> Result<Sound, String> {
    match kind {
        ValueKind::Counts => sound_as::<i32>(raw, ids).map(|rows| rows.into_sound(Values::Counts)),
        ValueKind::Floats => sound_as::<f32>(raw, ids).map(|rows| rows.into_sound(Values::Floats)),
    }
}

struct Rows<V> {
    starts: Vec<usize>,
    genes: Vec<u32>,
    values: Vec<V>,
    rejected: Vec<(usize, String)>,
    rounded: u64,
}

impl<V> Rows<V> {
    fn into_sound(self, values: impl Fn(Vec<V>) -> Values) -> Sound {
        let Self { starts, genes, rejected, rounded, .. } = self;
        Sound { starts, genes, values: values(self.values), rejected, rounded }
    }
}

/// Rows that one thread decodes.
struct Span<'a, V> {
    rows: Range<usize>,
    genes: &'a mut [u32],
    values: &'a mut [V],
}

fn sound_as<V: Value>(raw: &RawRows, ids: &StringArray) -> Result<Rows<V>, String> {
    let entries = raw.starts.last().copied().unwrap_or(0);
    let (mut genes, mut values) = (vec![0; entries], vec![V::default(); entries]);
    let spans = spans(&raw.starts, &mut genes, &mut values);
    let repaired: Result<Vec<_>, String> = spans
        .into_par_iter()
        .map(|span| {
            let rows = span.rows.clone();
            Ok((rows.clone(), if decode(raw, span, ids.len())? { None } else { Some(repair::<V>(raw, rows, ids)) }))
        })
        .collect();
    let repaired = repaired?;
    if repaired.iter().all(|(_, repaired)| repaired.is_none()) {
        return Ok(Rows { starts: raw.starts.clone(), genes, values, rejected: Vec::new(), rounded: 0 });
    }
    Ok(join(&raw.starts, &genes, &values, repaired))
}

fn spans<'a, V>(starts: &[usize], mut genes: &'a mut [u32], mut values: &'a mut [V]) -> Vec<Span<'a, V>> {
    let rows = starts.len().saturating_sub(1);
    let mut spans = Vec::new();
    let mut first = 0;
    while first < rows {
        let full = starts[first] + SPAN;
        let last =
            (first + 1 + starts[first + 1..].partition_point(|&start| start <= full)).clamp(first + 2, rows + 1) - 1;
        let length = starts[last] - starts[first];
        let (my_genes, other_genes) = genes.split_at_mut(length);
        let (my_values, other_values) = values.split_at_mut(length);
        spans.push(Span { rows: first..last, genes: my_genes, values: my_values });
        (genes, values, first) = (other_genes, other_values, last);
    }
    spans
}

/// Decodes a span; whether it is sound. The error names an index that is no gene.
fn decode<V: Value>(raw: &RawRows, span: Span<'_, V>, genes: usize) -> Result<bool, String> {
    let begin = raw.starts[span.rows.start];
    let entries = begin..begin + span.genes.len();
    let bytes = |numbers: &'_ Numbers| entries.start * numbers.number.width()..entries.end * numbers.number.width();
    let stored = &raw.genes.bytes[bytes(&raw.genes)];
    let highest = with_number!(raw.genes.number, T => decode_genes::<T>(stored, span.genes));
    if !span.genes.is_empty() && highest.is_none_or(|highest| highest as usize >= genes) {
        return Err(format!("an entry has a gene index beyond the {genes} genes"));
    }
    let stored = &raw.values.bytes[bytes(&raw.values)];
    let whole = with_number!(raw.values.number, T => decode_values::<T, V>(stored, span.values));
    let mut rows = raw.starts[span.rows.start..=span.rows.end].windows(2);
    Ok(whole && rows.all(|row| ascends(&span.genes[row[0] - begin..row[1] - begin])))
}

/// The highest index; `None` if one is not an index at all.
fn decode_genes<T: Little>(stored: &[u8], output: &mut [u32]) -> Option<u32> {
    let (mut all, mut highest) = (true, 0);
    for (output, bytes) in output.iter_mut().zip(stored.chunks_exact(T::WIDTH)) {
        let (index, good) = T::read(bytes).index();
        *output = index;
        all &= good;
        highest = highest.max(index);
    }
    all.then_some(highest)
}

fn decode_values<T: Little, V: Value>(stored: &[u8], output: &mut [V]) -> bool {
    let mut all = true;
    for (output, bytes) in output.iter_mut().zip(stored.chunks_exact(T::WIDTH)) {
        let (value, good) = V::fast(T::read(bytes));
        *output = value;
        all &= good;
    }
    all
}

fn ascends(row: &[u32]) -> bool {
    row.iter().zip(row.get(1..).unwrap_or_default()).fold(true, |all, (gene, next)| all & (gene < next))
}

/// Puts sound spans and repaired ones one after another.
fn join<V: Value>(
    starts: &[usize],
    genes: &[u32],
    values: &[V],
    spans: Vec<(Range<usize>, Option<Repaired<V>>)>,
) -> Rows<V> {
    let mut rows = Rows {
        starts: Vec::with_capacity(starts.len()),
        genes: Vec::with_capacity(genes.len()),
        values: Vec::with_capacity(values.len()),
        rejected: Vec::new(),
        rounded: 0,
    };
    rows.starts.push(0);
    for (span, repaired) in spans {
        let base = rows.genes.len();
        match repaired {
            Some(repaired) => {
                rows.starts.extend(repaired.ends.iter().map(|end| base + end));
                rows.genes.extend(repaired.genes);
                rows.values.extend(repaired.values);
                rows.rejected.extend(repaired.rejected);
                rows.rounded += repaired.rounded;
            }
            None => {
                let first = starts[span.start];
                rows.starts.extend(starts[span.start + 1..=span.end].iter().map(|end| base + end - first));
                rows.genes.extend_from_slice(&genes[first..starts[span.end]]);
                rows.values.extend_from_slice(&values[first..starts[span.end]]);
            }
        }
    }
    rows
}
