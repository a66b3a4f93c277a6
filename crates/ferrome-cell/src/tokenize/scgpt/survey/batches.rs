use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use crate::cells::Cells;
use crate::{Error, Result};

/// The batches of cells by a column of `obs`, numbered as they appear.
pub(super) struct Batches<'a> {
    column: Option<&'a str>,
    numbers: HashMap<String, usize>,
}

impl<'a> Batches<'a> {
    /// Batches by `column`; one batch of all cells without it.
    pub(super) fn new(column: Option<&'a str>) -> Self {
        Self { column, numbers: HashMap::new() }
    }

    /// The batch of each cell of a block; `None` where the column is null.
    pub(super) fn of(&mut self, cells: &Cells) -> Result<Vec<Option<usize>>> {
        let Some(name) = self.column else { return Ok(vec![Some(0); cells.len()]) };
        let column =
            cells.obs.column_by_name(name).ok_or_else(|| Error::no_obs_column(name, cells.obs.schema_ref()))?;
        let names = cast(column, &DataType::Utf8)?;
        let names: &StringArray = names.as_string();
        Ok(names.iter().map(|name| name.map(|name| self.number(name))).collect())
    }

    fn number(&mut self, name: &str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry_ref(name).or_insert(next)
    }
}
