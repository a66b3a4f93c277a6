//! The total counts of cells, by which expression is normalised.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema};

use crate::cells::{Cells, Values};
use crate::{Error, Result};

/// The column of `obs` that holds total counts by the habit of Geneformer's users.
pub const N_COUNTS: &str = "n_counts";

/// Where the total counts of a cell come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Totals {
    /// A column of `obs`, taken as it is: genes may have been filtered since.
    Column(String),
    /// The sum over all columns of the matrix, those outside the vocabulary included.
    Sum,
}

impl Totals {
    /// `n_counts` where `obs` has it, the sum otherwise.
    #[must_use]
    pub fn of(obs: &Schema) -> Self {
        match obs.column_with_name(N_COUNTS) {
            Some(_) => Self::Column(N_COUNTS.to_owned()),
            None => Self::Sum,
        }
    }

    /// What someone asked for: a column, or `sum`; as [`Self::of`] when nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NoObsColumn`].
    pub fn asked(asked: Option<&str>, obs: &Schema) -> Result<Self> {
        match asked {
            None => Ok(Self::of(obs)),
            Some(column) if obs.column_with_name(column).is_some() => Ok(Self::Column(column.to_owned())),
            Some("sum") => Ok(Self::Sum),
            Some(column) => Err(Error::no_obs_column(column, obs)),
        }
    }

    /// For messages and the journal.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Column(name) => format!("obs column `{name}`"),
            Self::Sum => "sum of the cell".to_owned(),
        }
    }

    /// The total of each cell; the reason where there is none that can be divided by.
    ///
    /// # Errors
    ///
    /// The column is not there, or holds no numbers.
    pub fn read(&self, cells: &Cells) -> Result<Vec<Result<f64, String>>> {
        let name = match self {
            Self::Sum => return Ok(sums(cells)),
            Self::Column(name) => name,
        };
        let column =
            cells.obs.column_by_name(name).ok_or_else(|| Error::no_obs_column(name, cells.obs.schema_ref()))?;
        let numbers = cast(column, &DataType::Float64).ok();
        let Some(numbers) = numbers.as_ref().and_then(|numbers| numbers.as_primitive_opt::<Float64Type>()) else {
            return Err(Error::ObsColumnKind { column: name.clone(), found: column.data_type().to_string() });
        };
        // A text that is no number became null.
        let number = |total: Option<f64>| match total {
            Some(total) if total.is_finite() && total > 0.0 => Ok(total),
            Some(total) => Err(format!("{name} is {total}, expected a positive number")),
            None => Err(format!("{name} is missing or no number")),
        };
        Ok(numbers.iter().map(number).collect())
    }
}

fn sums(cells: &Cells) -> Vec<Result<f64, String>> {
    let rows = cells.starts.windows(2);
    let sum = |row: &[usize]| match &cells.values {
        Values::Counts(values) => values.get(row[0]..row[1]).unwrap_or_default().iter().map(|&v| f64::from(v)).sum(),
        Values::Floats(values) => values.get(row[0]..row[1]).unwrap_or_default().iter().map(|&v| f64::from(v)).sum(),
    };
    let check = |total: f64| if total.is_finite() { Ok(total) } else { Err(format!("the sum of the cell is {total}")) };
    rows.map(|row| check(sum(row))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringArray};

    use super::*;

    fn cells(column: ArrayRef) -> Cells {
        Cells {
            first: 0,
            ids: StringArray::from(vec!["a", "b", "c"]),
            obs: RecordBatch::try_from_iter_with_nullable([("n_counts", column, true)]).unwrap(),
            starts: vec![0, 2, 3, 3],
            genes: vec![0, 3, 1],
            values: Values::Counts(vec![1, 7, 2]),
            rejected: Vec::new(),
            rounded: 0,
        }
    }

    #[test]
    fn sums_of_rows() {
        let totals = Totals::Sum.read(&cells(Arc::new(Int32Array::from(vec![9; 3])))).unwrap();
        assert_eq!(totals, [Ok(8.0), Ok(2.0), Ok(0.0)]);
    }

    #[test]
    fn column_is_taken_as_it_is_and_what_cannot_divide_is_said() {
        let block = cells(Arc::new(Float32Array::from(vec![Some(9.0), Some(0.0), None])));
        let totals = Totals::of(block.obs.schema_ref());
        assert_eq!(totals, Totals::Column("n_counts".into()));
        let expected = [
            Ok(9.0),
            Err("n_counts is 0, expected a positive number".to_owned()),
            Err("n_counts is missing or no number".to_owned()),
        ];
        assert_eq!(totals.read(&block).unwrap(), expected);
    }

    #[test]
    fn column_that_is_missing_lists_what_is_near() {
        let block = cells(Arc::new(Int32Array::from(vec![9; 3])));
        let message = Totals::Column("ncounts".into()).read(&block).unwrap_err().to_string();
        assert_eq!(message, "there is no obs column `ncounts`; nearest: `n_counts`");
    }
}
