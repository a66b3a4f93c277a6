//! The rows of the page, read in as many passes as bounded memory needs.

mod reduction;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type};
use tch::Tensor;

use crate::columns::{Column, text};
use crate::read::Source;
use crate::sample;
use crate::table::{Named, Plan};
use crate::{Error, Request, Result};
use reduction::{Limits, Reduction, reduction};

pub(crate) use reduction::LIMITS;

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
pub(crate) fn read(source: &dyn Source, plan: &Plan, request: &Request, limits: Limits) -> Result<Rows> {
    let mut mask = sample::draw(source.about().rows, request.points, request.seed);
    let mut rows = Rows { drawn: mask.as_ref().map(|_| request.points as u64), ..Rows::default() };
    if let (Some(mask), false, Some(score)) = (&mut mask, plan.has_map(), &plan.score) {
        keep_best(source, score, mask, request)?;
    }
    let reduction = match &plan.vectors {
        Some(vectors) => reduction(source, vectors, mask.as_deref(), (request, limits))?,
        None => None,
    };
    let places = plan.places();
    let schema = &source.about().schema;
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
        self.push(first, &kept, rows)
    }

    /// Adds the names and columns of the rows `kept`.
    fn push(&self, first: usize, kept: &[usize], rows: &mut Rows) -> Result<()> {
        let wrong = |reason: String| Error::table(&self.request.table, reason);
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
    let place = source.about().schema.index_of(score).map_err(ferrome_core::Error::from)?;
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

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeListArray, Float32Array};
    use arrow::datatypes::Field;
    use ferrome_core::journal::RunDescription;
    use ferrome_core::table::write_table;
    use std::sync::Arc;
    use tch::{Device, Kind};

    use super::*;
    use crate::{Map, read};

    const ROWS: i64 = 9000;

    /// Vectors of 12 numbers that lie in three directions, and a row in ten without one.
    fn table(path: &std::path::Path) -> Tensor {
        tch::manual_seed(8);
        let directions = Tensor::randn([3, 12], (Kind::Float, Device::Cpu));
        let rows = (Tensor::randn([ROWS, 3], (Kind::Float, Device::Cpu)) + 1.0).matmul(&directions);
        let mut values = Vec::<f32>::try_from(rows.reshape([-1])).unwrap();
        values.chunks_mut(12).step_by(10).for_each(|line| line[0] = f32::NAN);
        let field = Arc::new(Field::new_list_field(DataType::Float32, true));
        let vectors = FixedSizeListArray::new(field, 12, Arc::new(Float32Array::from(values)), None);
        let batch = RecordBatch::try_from_iter([("embedding", Arc::new(vectors) as ArrayRef)]).unwrap();
        write_table(&batch, path, &RunDescription::new()).unwrap();
        rows
    }

    #[test]
    fn vectors_beyond_the_limit_keep_their_products() {
        let _guard = tch::no_grad_guard();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let all = table(&path);
        let request = Request {
            table: path.clone(),
            map: Map::Pca,
            embedding: None,
            x_y: None,
            id: None,
            colour: None,
            score: None,
            columns: None,
            neighbours: 0,
            umap_neighbours: 15,
            points: 1_000_000,
            seed: 1,
        };
        let source = read::open(&path).unwrap();
        let plan = Plan::new(source.as_ref(), &request).unwrap();
        let limits = Limits { held: 1000, reduced: 1000, least: 4 };
        let rows = super::read(source.as_ref(), &plan, &request, limits).unwrap();
        let whole = super::read(source.as_ref(), &plan, &request, LIMITS).unwrap();
        assert_eq!((rows.left_out, rows.ids.len(), rows.width), (900, 8100, 12));
        assert_eq!((rows.ids[0].as_str(), rows.ids[8099].as_str()), ("row 2", "row 9000"));
        assert!(whole.reduced.is_none());
        let (directions, share) = rows.reduced.unwrap();
        assert!(directions == 4 && share > 0.9999, "{share}");
        let (few, whole) = (rows.vectors.unwrap(), whole.vectors.unwrap());
        assert_eq!((few.size(), whole.size()), (vec![8100, 4], vec![8100, 12]));
        let products = |x: &Tensor| x.narrow(0, 100, 50).matmul(&x.narrow(0, 7000, 50).tr());
        let apart = (products(&few) - products(&whole)).abs().max().double_value(&[]);
        assert!(apart < 1e-2, "{apart}");
        assert!((whole.get(0) - all.get(1)).abs().max().double_value(&[]) < 1e-6);
    }
}
