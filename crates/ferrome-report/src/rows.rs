//! The rows of the page, read in as many passes as bounded memory needs.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type};
use tch::{Device, Kind, Tensor};

use crate::columns::{Column, text};
use crate::read::Source;
use crate::sample;
use crate::table::{Named, Plan};
use crate::vectors::Vectors;
use crate::{Error, Request, Result};

/// Bytes of vectors that are held as they are; larger ones in their main directions.
const HELD: u64 = 512 << 20;
/// Bytes of what is held instead, and directions at least.
const REDUCED: (u64, u64) = (256 << 20, 32);
/// Rows with the largest scores that are kept of a table that is larger than the page.
const BEST: usize = 1000;

/// What is known of the rows of the page.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) ids: Vec<String>,
    pub(crate) columns: Vec<Column>,
    /// Columns in which no row has a value.
    pub(crate) empty: Vec<String>,
    /// `[rows, d]`, or fewer numbers where `reduced` says so.
    pub(crate) vectors: Option<Tensor>,
    /// Numbers of a vector in the table.
    pub(crate) width: usize,
    /// Directions that are held, and their share of the squared lengths.
    pub(crate) reduced: Option<(i64, f64)>,
    /// `x` and `y` of each row.
    pub(crate) x_y: Option<Vec<f32>>,
    /// Rows without a vector or a place.
    pub(crate) left_out: u64,
    /// Rows that were drawn by chance, where not all are there.
    pub(crate) drawn: Option<u64>,
}

/// Reads what `plan` asks for.
pub(crate) fn read(source: &dyn Source, plan: &Plan, request: &Request) -> Result<Rows> {
    let mut mask = sample::draw(source.rows(), request.points, request.seed);
    let mut rows = Rows { drawn: mask.as_ref().map(|_| request.points as u64), ..Rows::default() };
    if let (Some(mask), false, Some(score)) = (&mut mask, plan.has_map(), &plan.score) {
        keep_best(source, score, mask, request)?;
    }
    let reduction = match &plan.vectors {
        Some(vectors) => reduction(source, vectors, mask.as_deref(), request)?,
        None => None,
    };
    let places = plan.places();
    let schema = source.schema();
    rows.columns =
        plan.columns.iter().filter_map(|c| Column::new(&c.name, schema.field(c.place).data_type())).collect();
    rows.x_y = plan.x_y.as_ref().map(|_| Vec::new());
    let mut held = Vec::new();
    let mut first = 0;
    for batch in source.batches(&places)? {
        let batch = batch?;
        let adder = Adder { batch: &batch, places: &places, plan, request, reduction: reduction.as_ref() };
        adder.add(first, mask.as_deref(), &mut rows, &mut held)?;
        first += batch.num_rows();
    }
    rows.columns.iter_mut().for_each(Column::finish);
    let (empty, filled): (Vec<Column>, Vec<Column>) = rows.columns.into_iter().partition(|column| column.is_empty());
    (rows.empty, rows.columns) = (empty.into_iter().map(|column| column.name).collect(), filled);
    rows.reduced = reduction.as_ref().map(|reduction| (reduction.directions.size()[1], reduction.share));
    if plan.vectors.is_some() && !rows.ids.is_empty() {
        let n = i64::try_from(rows.ids.len()).unwrap_or(i64::MAX);
        rows.vectors = Some(Tensor::f_from_slice(&held)?.f_view([n, -1])?);
    }
    Ok(rows)
}

/// One batch, and where to put it.
struct Adder<'a> {
    batch: &'a RecordBatch,
    places: &'a [usize],
    plan: &'a Plan,
    request: &'a Request,
    reduction: Option<&'a Reduction>,
}

impl Adder<'_> {
    /// Adds the rows that are drawn and have what they need; `first` is the number of the batch's first row.
    fn add(&self, first: usize, mask: Option<&[bool]>, rows: &mut Rows, held: &mut Vec<f32>) -> Result<()> {
        let n = self.batch.num_rows();
        let drawn = |row: &usize| mask.is_none_or(|mask| mask.get(first + row).copied().unwrap_or(false));
        let mut kept: Vec<usize> = (0..n).filter(drawn).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let wrong = |reason: String| Error::table(&self.request.table, reason);
        let all = kept.len();
        let ends = match &self.plan.x_y {
            Some((x, y)) => Some((self.numbers(x)?, self.numbers(y)?)),
            None => None,
        };
        if let Some((x, y)) = &ends {
            let finite = |column: &Float64Array, row: usize| column.is_valid(row) && column.value(row).is_finite();
            kept.retain(|&row| finite(x, row) && finite(y, row));
        }
        if let Some(vectors) = &self.plan.vectors {
            let known = (rows.width > 0).then_some(rows.width);
            let block = vectors.block(self.batch, self.places, known).map_err(wrong)?;
            rows.width = block.width;
            kept.retain(|&row| block.valid.get(row).copied().unwrap_or(false));
            let lines = kept.iter().filter_map(|&row| block.values.get(row * block.width..(row + 1) * block.width));
            match self.reduction {
                None => lines.for_each(|line| held.extend(line)),
                Some(reduction) => {
                    held.extend(reduction.apply(&lines.flatten().copied().collect::<Vec<_>>(), block.width)?)
                }
            }
        }
        rows.left_out += (all - kept.len()) as u64;
        if let (Some(x_y), Some((x, y))) = (&mut rows.x_y, &ends) {
            x_y.extend(kept.iter().flat_map(|&row| [x.value(row) as f32, y.value(row) as f32]));
        }
        let taken = UInt32Array::from_iter_values(kept.iter().map(|&row| row as u32));
        let of = |place: usize| -> Result<ArrayRef> {
            let column = self.column(place)?;
            take(column, &taken, None).map_err(|error| wrong(error.to_string()))
        };
        for (column, named) in rows.columns.iter_mut().zip(&self.plan.columns) {
            column.push(&of(named.place)?).map_err(wrong)?;
        }
        match &self.plan.id {
            Some(id) => {
                let names = text(&of(id.place)?).map_err(wrong)?;
                rows.ids.extend(names.as_string::<i32>().iter().map(|name| name.unwrap_or_default().to_owned()));
            }
            None => rows.ids.extend(kept.iter().map(|&row| format!("row {}", first + row + 1))),
        }
        Ok(())
    }

    fn column(&self, place: usize) -> Result<&ArrayRef> {
        let column = self.places.iter().position(|&other| other == place);
        let column = column.and_then(|column| self.batch.columns().get(column));
        column.ok_or_else(|| Error::table(&self.request.table, "a batch lacks a column"))
    }

    fn numbers(&self, named: &Named) -> Result<Float64Array> {
        let column = cast(self.column(named.place)?, &DataType::Float64).map_err(ferrome_core::Error::from)?;
        Ok(column.as_primitive::<Float64Type>().clone())
    }
}

/// Adds the rows with the largest scores to `mask`: the best of a list are not drawn by chance.
fn keep_best(source: &dyn Source, score: &str, mask: &mut [bool], request: &Request) -> Result<()> {
    let place = source.schema().index_of(score).map_err(ferrome_core::Error::from)?;
    let mut best: Vec<(f64, usize)> = Vec::new();
    let mut row = 0;
    let cut = |best: &mut Vec<(f64, usize)>| {
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(BEST);
    };
    for batch in source.batches(&[place])? {
        let batch = batch?;
        let column = cast(batch.column(0), &DataType::Float64)
            .map_err(|error| Error::table(&request.table, error.to_string()))?;
        for score in column.as_primitive::<Float64Type>() {
            best.extend(score.filter(|score| !score.is_nan()).map(|score| (score, row)));
            row += 1;
        }
        if best.len() > 100 * BEST {
            cut(&mut best);
        }
    }
    cut(&mut best);
    for (_, row) in best {
        if let Some(slot) = mask.get_mut(row) {
            *slot = true;
        }
    }
    Ok(())
}

/// Main directions of vectors that are too many to be held: dot products change least.
struct Reduction {
    /// `[d, k]`.
    directions: Tensor,
    share: f64,
}

impl Reduction {
    /// `[n, d]` as a list -> `[n, k]` as a list.
    fn apply(&self, values: &[f32], width: usize) -> Result<Vec<f32>> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let _guard = tch::no_grad_guard();
        let rows = Tensor::f_from_slice(values)?.f_view([-1, i64::try_from(width).unwrap_or(1)])?;
        Ok(Vec::try_from(rows.f_matmul(&self.directions)?.f_reshape([-1])?)?)
    }
}

/// The reduction that the vectors need, if they need one: from the second moments of a pass over them.
fn reduction(
    source: &dyn Source,
    vectors: &Vectors,
    mask: Option<&[bool]>,
    request: &Request,
) -> Result<Option<Reduction>> {
    let rows = mask.map_or(source.rows(), |_| request.points as u64).max(1);
    let mut moments: Option<Tensor> = None;
    let (mut width, mut first) = (0, 0);
    let _guard = tch::no_grad_guard();
    for batch in source.batches(vectors.places())? {
        let batch = batch?;
        let known = (width > 0).then_some(width);
        let block = vectors.block(&batch, vectors.places(), known);
        let mut block = block.map_err(|reason| Error::table(&request.table, reason))?;
        width = block.width;
        if rows * width as u64 * 4 <= HELD && width > 0 {
            return Ok(None);
        }
        for (row, line) in block.values.chunks_mut(width.max(1)).enumerate() {
            if mask.is_some_and(|mask| !mask.get(first + row).copied().unwrap_or(false)) {
                line.fill(0.0);
            }
        }
        first += batch.num_rows();
        if width == 0 {
            continue;
        }
        let d = i64::try_from(width).unwrap_or(1);
        let lines = Tensor::f_from_slice(&block.values)?.f_view([-1, d])?;
        let sum = lines.f_tr()?.f_matmul(&lines)?.f_to_kind(Kind::Double)?;
        moments = Some(match moments {
            Some(moments) => moments.f_add(&sum)?,
            None => sum,
        });
    }
    let Some(moments) = moments else { return Ok(None) };
    let k = (REDUCED.0 / 4 / rows).max(REDUCED.1).min(width as u64);
    let k = i64::try_from(k).unwrap_or(1);
    let (values, directions) = moments.f_linalg_eigh("L")?; // ascending; [d], [d, d] by columns
    let d = i64::try_from(width).unwrap_or(1);
    let held = values.f_narrow(0, d - k, k)?.f_sum(Kind::Double)?.f_double_value(&[])?;
    let share = held / values.f_sum(Kind::Double)?.f_double_value(&[])?.max(1e-300);
    let directions = directions.f_narrow(1, d - k, k)?.f_flip([1])?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
    Ok(Some(Reduction { directions: directions.f_contiguous()?, share }))
}
