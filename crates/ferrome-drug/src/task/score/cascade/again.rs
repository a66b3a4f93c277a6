use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{kernels::zip::zip, take, take_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, UInt64Type};
use ferrome_core::engine::{BoxError, Conversion, Converted, RejectedRow, Rejection};
use ferrome_core::fingerprint::Fingerprint;
use hashbrown::HashMap;

use super::super::rank::{column, lost};
use super::super::scorer::Scorer;
use super::super::shape::{KIND, ROW, Rank, TARGET, descending};
use super::{scores, texts};
use crate::Result;

/// Rows that the fast model has scored.
pub(super) struct Part {
    pub(super) batch: RecordBatch,
}

/// Scores the best rows again.
pub(super) struct Again {
    pub(super) model: Scorer,
    /// The columns that the fast model's rows are written to.
    pub(super) fast: Vec<FieldRef>,
    pub(super) rank: Rank,
    /// What each target's rows must reach.
    pub(super) limits: OnceLock<HashMap<String, f32>>,
}

impl Again {
    /// The columns of the output, but for `error`.
    pub(super) fn written(&self) -> SchemaRef {
        let mut fields = self.fast.clone();
        fields.push(Arc::new(Field::new("tier", DataType::Utf8, true)));
        fields.push(Arc::new(Field::new("fast_score", DataType::Float32, true)));
        Arc::new(Schema::new(fields))
    }

    /// Which rows are scored again.
    fn chosen(&self, batch: &RecordBatch) -> Result<Vec<bool>> {
        let (targets, scores) = (texts(batch, TARGET)?, scores(batch)?);
        let limit = |row: usize| self.limits.get()?.get(targets.value(row)).copied();
        let reaches = |row: usize| limit(row).is_some_and(|limit| scores.is_valid(row) && scores.value(row) >= limit);
        Ok((0..batch.num_rows()).map(reaches).collect())
    }

    /// The rows with the better model's columns where they are `chosen`.
    fn joined(&self, batch: &RecordBatch, chosen: &[bool]) -> Result<RecordBatch> {
        let (better, refused) = self.rescored(batch, chosen)?;
        // Where each row is among the better ones; any will do for the others.
        let places: UInt32Array = chosen
            .iter()
            .scan(0_u32, |next, &chosen| {
                let place = *next;
                *next += u32::from(chosen);
                Some(chosen.then_some(place))
            })
            .collect();
        let mask = BooleanArray::from(chosen.to_vec());
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in &self.fast {
            let old = column(batch, field.name())?;
            columns.push(match better.column_by_name(field.name()) {
                Some(new) => zip(&mask, &take(new, &places, None)?, old)?,
                None => old.clone(), // passes through
            });
        }
        let valid = scores(batch)?;
        let tier = |(row, chosen): (usize, &bool)| valid.is_valid(row).then_some(if *chosen { "full" } else { "fast" });
        columns.push(Arc::new(chosen.iter().enumerate().map(tier).collect::<StringArray>()));
        columns.push(column(batch, "score")?.clone());
        columns.extend([column(batch, TARGET)?.clone(), column(batch, ROW)?.clone()]);
        let mut refused = refused.into_iter();
        let refused: Vec<Option<Rejection>> =
            chosen.iter().map(|&chosen| if chosen { refused.next().flatten() } else { None }).collect();
        columns.push(said(texts(batch, KIND)?, &refused, |rejection| &rejection.kind));
        columns.push(said(texts(batch, "error")?, &refused, |rejection| &rejection.reason));
        let fields = self.written().fields().iter().cloned().chain(keys()).chain([error()]).collect::<Vec<_>>();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// The rows that are kept, in their order.
    fn ordered(&self, table: &RecordBatch, chosen: &[bool]) -> Result<RecordBatch> {
        let (targets, scores) = (texts(table, TARGET)?, scores(table)?);
        let numbers = column(table, ROW)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lost(ROW))?;
        let score = |row: usize| scores.is_valid(row).then(|| scores.value(row));
        let mut rows: Vec<usize> = (0..table.num_rows()).collect();
        if let Rank::Best(_) = self.rank {
            rows.retain(|&row| chosen[row] && scores.is_valid(row));
        }
        let group = |row: usize| (targets.value(row), !chosen[row]);
        rows.sort_by(|&a, &b| {
            let order = group(a).cmp(&group(b)).then_with(|| descending(score(a), score(b)));
            order.then(numbers.value(a).cmp(&numbers.value(b)))
        });
        if let Rank::Best(most) = self.rank {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            rows.retain(|&row| {
                let count = counts.entry(targets.value(row)).or_default();
                *count += 1;
                *count <= most
            });
        }
        let places: UInt32Array = rows.iter().map(|&row| u32::try_from(row).ok()).collect();
        let table = take_record_batch(table, &places)?;
        // Rows of the better model come before the others of their target.
        let rest = |row: usize| if chosen[row] { "" } else { "\0" };
        let named = rows.iter().map(|&row| Some(format!("{}{}", targets.value(row), rest(row))));
        let place = table.schema().index_of(TARGET)?;
        let mut columns = table.columns().to_vec();
        columns[place] = Arc::new(named.collect::<StringArray>());
        Ok(RecordBatch::try_new(table.schema(), columns)?)
    }
}

/// What was said of rows, and what of those that were refused since.
fn said(before: &StringArray, refused: &[Option<Rejection>], text: fn(&Rejection) -> &String) -> ArrayRef {
    let one = |(before, refused): (Option<&str>, &Option<Rejection>)| match refused {
        Some(rejection) => Some(text(rejection).clone()),
        None => before.map(str::to_owned),
    };
    Arc::new(before.iter().zip(refused).map(one).collect::<StringArray>())
}

fn keys() -> [FieldRef; 3] {
    let field = |name: &str, kind, nullable| Arc::new(Field::new(name, kind, nullable));
    [field(TARGET, DataType::Utf8, false), field(ROW, DataType::UInt64, false), field(KIND, DataType::Utf8, true)]
}

fn error() -> FieldRef {
    Arc::new(Field::new("error", DataType::Utf8, true))
}

impl Conversion for Again {
    type Block = Part;

    fn schema(&self) -> SchemaRef {
        if self.rank == Rank::Input {
            return self.written();
        }
        let written = self.written();
        Arc::new(Schema::new(written.fields().iter().cloned().chain(keys()).collect::<Vec<_>>()))
    }

    fn rows(&self, part: &Part) -> usize {
        part.batch.num_rows()
    }

    fn keeps_rows(&self) -> bool {
        !matches!(self.rank, Rank::Best(_))
    }

    // The parts were checked against the input when they were made.
    fn digest(&self, part: &Part) -> u128 {
        let mut digest = Fingerprint::new();
        for name in [TARGET, ROW, "score"] {
            let column = part.batch.column_by_name(name).map(|column| column.to_data());
            for buffer in column.iter().flat_map(|data| data.buffers()) {
                digest.push(buffer.as_slice());
            }
        }
        digest.finish()
    }

    fn convert(&self, part: Part) -> Result<Converted, BoxError> {
        let chosen = self.chosen(&part.batch)?;
        let mut table = self.joined(&part.batch, &chosen)?;
        if self.rank != Rank::Input {
            table = self.ordered(&table, &chosen)?;
        }
        let (ids, kinds, reasons) = (texts(&table, "drug_id")?, texts(&table, KIND)?, texts(&table, "error")?);
        let refused = (0..table.num_rows()).filter(|&row| reasons.is_valid(row)).map(|row| RejectedRow {
            row,
            name: ids.value(row).to_owned(),
            rejection: Rejection { kind: kinds.value(row).to_owned(), reason: reasons.value(row).to_owned() },
        });
        let rejected = refused.collect();
        let names: Vec<usize> = self
            .schema()
            .fields()
            .iter()
            .map(|field| table.schema().index_of(field.name()))
            .collect::<Result<_, _>>()?;
        let tokens = chosen.iter().filter(|chosen| **chosen).count() as u64;
        Ok(Converted { table: table.project(&names)?, tokens, rejected })
    }
}
