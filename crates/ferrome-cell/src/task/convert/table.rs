//! Blocks of cells as tables: one row per cell, its entries in two lists.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, Int32Array, ListArray, RecordBatch, RecordBatchOptions,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use ferrome_core::engine::{BoxError, Conversion, Converted, RejectedRow, Rejection};
use ferrome_core::fingerprint::Fingerprint;

use crate::cells::{Cells, ValueKind, Values};
use crate::dataset::frame::{Columns, Frame};

/// How the summary calls cells with a value that is none.
const UNUSABLE: &str = "value that is no count";

/// Turns blocks into tables.
pub(super) struct CellTable {
    schema: SchemaRef,
    obs: Columns,
}

impl CellTable {
    /// Tables for cells with the columns of `frame`, which have the types of `schema`.
    pub(super) fn new(frame: &Frame, schema: &Schema, kind: ValueKind) -> Self {
        let obs = Columns::stored(frame, schema);
        let value = match kind {
            ValueKind::Counts => DataType::Int32,
            ValueKind::Floats => DataType::Float32,
        };
        let ours = [
            Field::new("cell_id", DataType::Utf8, false),
            Field::new("gene_idx", DataType::List(element(DataType::Int32)), true),
            Field::new("value", DataType::List(element(value)), true),
            Field::new("n_counts", DataType::Float64, true),
        ];
        let fields: Vec<_> = ours.into_iter().map(Arc::new).chain(obs.fields.iter().cloned()).collect();
        Self { schema: Arc::new(Schema::new(fields)), obs }
    }
}

fn element(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", kind, false))
}

impl Conversion for CellTable {
    type Block = Cells;

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self, block: &Cells) -> usize {
        block.len()
    }

    fn digest(&self, block: &Cells) -> u128 {
        digest(block)
    }

    fn convert(&self, block: Cells) -> Result<Converted, BoxError> {
        let rows = block.len();
        let tokens = block.genes.len() as u64;
        let starts = block.starts.iter().map(|&start| i32::try_from(start)).collect::<Result<Vec<_>, _>>();
        let starts = starts.map_err(|_| format!("a block has {tokens} entries, more than a list can hold"))?;
        let usable = usable(rows, &block.rejected);
        let sums: Float64Array = (0..rows)
            .map(|row| usable.as_ref().is_none_or(|usable| usable.is_valid(row)).then(|| sum(&block, row)))
            .collect();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(starts));
        let genes: Vec<i32> = block.genes.into_iter().map(|gene| gene as i32).collect();
        let genes: ArrayRef = Arc::new(Int32Array::from(genes));
        let values: ArrayRef = match block.values {
            Values::Counts(values) => Arc::new(Int32Array::from(values)),
            Values::Floats(values) => Arc::new(Float32Array::from(values)),
        };
        let list = |entries: ArrayRef| -> Result<ArrayRef, ArrowError> {
            let field = element(entries.data_type().clone());
            Ok(Arc::new(ListArray::try_new(field, offsets.clone(), entries, usable.clone())?))
        };
        let mut columns: Vec<ArrayRef> = vec![Arc::new(block.ids), list(genes)?, list(values)?, Arc::new(sums)];
        columns.extend(self.obs.apply(block.obs.columns())?);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let table = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(Converted { rejected: rejected(&table, block.rejected), table, tokens })
    }
}

fn usable(rows: usize, rejected: &[(usize, String)]) -> Option<NullBuffer> {
    if rejected.is_empty() {
        return None;
    }
    let mut usable = vec![true; rows];
    for (row, _) in rejected {
        if let Some(usable) = usable.get_mut(*row) {
            *usable = false;
        }
    }
    Some(NullBuffer::from(usable))
}

fn rejected(table: &RecordBatch, rejected: Vec<(usize, String)>) -> Vec<RejectedRow> {
    let ids = table.column(0).as_string::<i32>();
    let row = |(row, reason): (usize, String)| {
        let name = if row < ids.len() { ids.value(row).to_owned() } else { String::new() };
        RejectedRow { row, name, rejection: Rejection { kind: UNUSABLE.to_owned(), reason } }
    };
    rejected.into_iter().map(row).collect()
}

fn sum(block: &Cells, row: usize) -> f64 {
    let entries = block.starts[row]..block.starts[row + 1];
    match &block.values {
        Values::Counts(values) => values[entries].iter().map(|&value| f64::from(value)).sum(),
        Values::Floats(values) => values[entries].iter().map(|&value| f64::from(value)).sum(),
    }
}

/// Equal digests, equal rows: ids and obs as an Arrow stream, then the sparse rows and the reasons.
fn digest(block: &Cells) -> u128 {
    let mut digest = Fingerprint::new().field(&obs_bytes(block).unwrap_or_default());
    digest.push(block.starts.iter().map(|&start| start as u64).collect::<Buffer>().as_slice());
    digest.push(Buffer::from_slice_ref(&block.genes).as_slice());
    digest.push(
        match &block.values {
            Values::Counts(values) => Buffer::from_slice_ref(values),
            Values::Floats(values) => Buffer::from_slice_ref(values),
        }
        .as_slice(),
    );
    for (row, reason) in &block.rejected {
        digest.push(&(*row as u64).to_le_bytes());
        digest.push(reason.as_bytes());
    }
    digest.finish()
}

fn obs_bytes(block: &Cells) -> Result<Vec<u8>, ArrowError> {
    let ids: ArrayRef = Arc::new(block.ids.clone());
    let ids = RecordBatch::try_from_iter([("cell_id", ids)])?;
    let mut bytes = Vec::new();
    for table in [&ids, &block.obs] {
        let mut writer = StreamWriter::try_new(&mut bytes, &table.schema())?;
        writer.write(table)?;
        writer.finish()?;
    }
    Ok(bytes)
}
