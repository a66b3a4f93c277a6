//! Where the vectors of a table are.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Schema};

use crate::{Error, Result};

/// Columns of numbers that are taken for a vector without being asked for, at least.
const WIDE: usize = 3;

/// The vectors of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Vectors {
    /// A column of lists.
    Lists { place: usize, name: String },
    /// A column for each number, such as `e0`, `e1`, …
    Wide { places: Vec<usize>, name: String },
}

/// Vectors of some rows, one after another; those that are missing or not finite are zeros, and not `valid`.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) values: Vec<f32>,
    pub(crate) width: usize,
    pub(crate) valid: Vec<bool>,
}

impl Vectors {
    /// The vectors that are asked for, or those that there are: the column `embedding`, the first column of vectors, or
    /// columns `e0`, `e1`, … or `embedding_0`, …
    pub(crate) fn choose(schema: &Schema, asked: Option<&str>, path: &Path) -> Result<Option<Self>> {
        let lists: Vec<(usize, &str)> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| is_vector(field.data_type()))
            .map(|(place, field)| (place, field.name().as_str()))
            .collect();
        let column = |&(place, name): &(usize, &str)| Self::Lists { place, name: name.to_owned() };
        let Some(asked) = asked else {
            let found = lists.iter().find(|(_, name)| *name == "embedding").or_else(|| lists.first()).map(column);
            return Ok(found.or_else(|| wide(schema, "e").or_else(|| wide(schema, "embedding_"))));
        };
        if let Some(found) = lists.iter().find(|(_, name)| *name == asked) {
            return Ok(Some(column(found)));
        }
        if let Ok(field) = schema.field_with_name(asked) {
            return Err(Error::table(path, no_vector(asked, field.data_type())));
        }
        match wide(schema, asked) {
            Some(found) => Ok(Some(found)),
            None if lists.is_empty() => {
                Err(Error::no_column(path, asked, schema.fields().iter().map(|field| field.name().as_str())))
            }
            None => Err(Error::no_column(path, asked, lists.iter().map(|(_, name)| *name))),
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Lists { name, .. } | Self::Wide { name, .. } => name,
        }
    }

    /// The places of its columns, ascending.
    pub(crate) fn places(&self) -> &[usize] {
        match self {
            Self::Lists { place, .. } => std::slice::from_ref(place),
            Self::Wide { places, .. } => places,
        }
    }

    /// The vectors of a batch of the columns `read`; `width` is that of earlier ones.
    pub(crate) fn block(&self, batch: &RecordBatch, read: &[usize], width: Option<usize>) -> Result<Block, String> {
        let at = |place: usize| read.iter().position(|&other| other == place).map(|column| batch.column(column));
        match self {
            Self::Lists { place, name } => {
                let column = at(*place).ok_or_else(|| format!("`{name}` was not read"))?;
                lists(column, name, width)
            }
            Self::Wide { places, .. } => {
                let columns: Vec<&ArrayRef> = places.iter().filter_map(|&place| at(place)).collect();
                numbers(&columns, batch.num_rows())
            }
        }
    }
}

fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

/// Whether a column holds one vector per row.
pub(crate) fn is_vector(kind: &DataType) -> bool {
    match kind {
        DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => {
            is_float(item.data_type())
        }
        _ => false,
    }
}

fn no_vector(name: &str, kind: &DataType) -> String {
    let within = match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    };
    if within.is_some_and(is_vector) {
        return format!(
            "`{name}` holds a list of vectors per row (one per residue or token); expected one vector per row"
        );
    }
    format!("`{name}` holds {kind}, expected one vector of floats per row")
}

/// Columns whose names are `prefix` and a number, from 0 or 1 on.
fn wide(schema: &Schema, prefix: &str) -> Option<Vectors> {
    let number = |name: &str| -> Option<usize> {
        let digits = name.strip_prefix(prefix)?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    let fields = schema.fields().iter().enumerate();
    let mut found: Vec<(usize, usize)> = fields
        .filter(|(_, field)| field.data_type().is_numeric())
        .filter_map(|(place, field)| Some((number(field.name())?, place)))
        .collect();
    found.sort_unstable();
    let first = found.first()?.0;
    let follows = found.iter().zip(first..).all(|(&(number, _), expected)| number == expected);
    let ascending = found.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a < b));
    if found.len() < WIDE || first > 1 || !follows || !ascending {
        return None;
    }
    Some(Vectors::Wide { places: found.into_iter().map(|(_, place)| place).collect(), name: prefix.to_owned() })
}

fn lists(column: &ArrayRef, name: &str, width: Option<usize>) -> Result<Block, String> {
    let item = arrow::datatypes::Field::new_list_field(DataType::Float32, true);
    let column = cast(column, &DataType::LargeList(std::sync::Arc::new(item))).map_err(|error| error.to_string())?;
    let column = column.as_list::<i64>();
    let mut block = Block { width: width.unwrap_or(0), ..Block::default() };
    let mut known = width;
    for row in 0..column.len() {
        let vector = column.is_valid(row).then(|| column.value(row));
        let Some(vector) = vector.as_ref().map(|vector| vector.as_primitive::<Float32Type>()) else {
            block.push(None);
            continue;
        };
        if known.is_some_and(|width| width != vector.len()) {
            let known = known.unwrap_or(0);
            return Err(format!(
                "`{name}` holds vectors of {known} and of {} numbers, expected the same for all",
                vector.len()
            ));
        }
        if known.is_none() {
            // What was pushed so far has no width yet.
            block.width = vector.len();
            block.values = vec![0.0; block.valid.len() * block.width];
            known = Some(vector.len());
        }
        let whole = vector.null_count() == 0;
        block.push(whole.then(|| vector.values().as_ref()));
    }
    Ok(block)
}

fn numbers(columns: &[&ArrayRef], rows: usize) -> Result<Block, String> {
    let width = columns.len();
    let mut block = Block { values: vec![0.0; rows * width], width, valid: vec![true; rows] };
    for (place, column) in columns.iter().enumerate() {
        let column = cast(column, &DataType::Float32).map_err(|error| error.to_string())?;
        let lines = block.values.chunks_mut(width).zip(&mut block.valid);
        for ((line, valid), value) in lines.zip(column.as_primitive::<Float32Type>()) {
            let value = value.filter(|value| value.is_finite());
            *valid &= value.is_some();
            if let Some(slot) = line.get_mut(place) {
                *slot = value.unwrap_or(0.0);
            }
        }
    }
    Ok(block)
}

impl Block {
    fn push(&mut self, vector: Option<&[f32]>) {
        let vector = vector.filter(|vector| !vector.is_empty() && vector.iter().all(|value| value.is_finite()));
        match vector {
            Some(vector) => self.values.extend(vector),
            None => self.values.resize(self.values.len() + self.width, 0.0),
        }
        self.valid.push(vector.is_some());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Int64Array, ListBuilder, PrimitiveBuilder};
    use arrow::datatypes::Field;

    use super::*;

    fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn vectors(rows: &[Option<Vec<f32>>]) -> ArrayRef {
        let mut builder = ListBuilder::new(PrimitiveBuilder::<Float32Type>::new());
        for row in rows {
            match row {
                Some(row) => builder.append_value(row.iter().map(|&value| Some(value))),
                None => builder.append_null(),
            }
        }
        Arc::new(builder.finish())
    }

    #[test]
    fn rows_without_a_finite_vector_are_told_apart() {
        let rows = [None, Some(vec![1.0, 2.0]), Some(vec![f32::NAN, 1.0]), Some(vec![3.0, f32::INFINITY])];
        let batch = table(vec![("embedding", vectors(&rows))]);
        let chosen = Vectors::choose(&batch.schema(), None, Path::new("a")).unwrap().unwrap();
        let block = chosen.block(&batch, &[0], None).unwrap();
        assert_eq!((block.width, block.valid), (2, vec![false, true, false, false]));
        assert_eq!(block.values, [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        let odd = table(vec![("embedding", vectors(&[Some(vec![1.0, 2.0]), Some(vec![1.0])]))]);
        assert_eq!(
            chosen.block(&odd, &[0], None).unwrap_err(),
            "`embedding` holds vectors of 2 and of 1 numbers, expected the same for all"
        );
    }

    #[test]
    fn columns_of_numbers_are_a_vector() {
        let column = |values: [f32; 2]| Arc::new(Float32Array::from(values.to_vec())) as ArrayRef;
        let batch = table(vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            ("e0", column([1.0, 2.0])),
            ("e1", column([3.0, f32::NAN])),
            ("e2", column([5.0, 6.0])),
        ]);
        let chosen = Vectors::choose(&batch.schema(), None, Path::new("a")).unwrap().unwrap();
        assert_eq!(chosen, Vectors::Wide { places: vec![1, 2, 3], name: "e".to_owned() });
        let block = chosen.block(&batch, &[0, 1, 2, 3], None).unwrap();
        assert_eq!((block.valid, &block.values[..3]), (vec![true, false], [1.0, 3.0, 5.0].as_slice()));
    }

    #[test]
    fn columns_that_are_no_vectors() {
        let float = Arc::new(Field::new_list_field(DataType::Float32, true));
        let nested = DataType::List(Arc::new(Field::new_list_field(DataType::FixedSizeList(float, 4), true)));
        let schema = Schema::new(vec![Field::new("residues", nested, true), Field::new("e0", DataType::Float32, true)]);
        let choose = |name: Option<&str>| Vectors::choose(&schema, name, Path::new("a"));
        assert_eq!(choose(None).unwrap(), None);
        assert_eq!(
            choose(Some("residues")).unwrap_err().to_string(),
            "a: `residues` holds a list of vectors per row (one per residue or token); expected one vector per row"
        );
        assert_eq!(
            choose(Some("e0")).unwrap_err().to_string(),
            "a: `e0` holds Float32, expected one vector of floats per row"
        );
        assert_eq!(choose(Some("none")).unwrap_err().to_string(), "a: has no column `none`; nearest: `e0`, `residues`");
    }
}
