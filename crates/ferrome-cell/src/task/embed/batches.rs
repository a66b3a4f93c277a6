//! The batch of each cell, for models that normalise batches apart.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use ferrome_core::engine::BoxError;

use crate::model::OpenModel;
use crate::read::tokens::TokenCell;
use crate::{Error, Result};

/// How a model's batches are called, and the column of obs that names them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batches {
    /// The column.
    pub column: String,
    /// The batches, in the order of their numbers in the model.
    pub names: Vec<String>,
}

impl Batches {
    /// What `model` needs of cells with the columns `obs`, where `column` was given; `None` where it needs nothing.
    ///
    /// # Errors
    ///
    /// The model normalises batches apart and no column was given, or it does not and one was; obs has no such column.
    pub fn of(model: &OpenModel, column: Option<&str>, obs: &Schema) -> Result<Option<Self>> {
        let names = match model {
            OpenModel::ScGpt(model) => model.batches()?,
            OpenModel::Geneformer(_) => None,
        };
        match (names, column) {
            (None, None) => Ok(None),
            (Some(names), Some(column)) => {
                obs.column_with_name(column).ok_or_else(|| Error::no_obs_column(column, obs))?;
                Ok(Some(Self { column: column.to_owned(), names }))
            }
            (Some(names), None) => {
                let reason = format!(
                    "normalises each batch apart ({}): name the obs column of each cell's batch with --batch",
                    listed(&names)
                );
                Err(Error::file(model.path(), reason))
            }
            (None, Some(_)) => {
                Err(Error::file(model.path(), "does not normalise batches apart: --batch means nothing to it"))
            }
        }
    }

    /// The number of a cell's batch in the model; the reason where it has none.
    pub(super) fn number(&self, cell: &TokenCell) -> Result<i64, String> {
        let lacks = || format!("has no value in the obs column `{}`", self.column);
        let column = cell.obs.column_by_name(&self.column).ok_or_else(lacks)?;
        let value = cast(&column.slice(cell.place, 1), &DataType::Utf8).map_err(|e| e.to_string())?;
        let value = value.as_string::<i32>();
        if value.is_null(0) {
            return Err(lacks());
        }
        let number = self.names.iter().position(|name| name == value.value(0));
        let unknown = || format!("batch `{}` is none of the model's: {}", value.value(0), listed(&self.names));
        number.map(|number| number as i64).ok_or_else(unknown)
    }

    /// The cells, which end with an error at the first whose batch the model does not know. One without a batch goes on, and keeps
    /// its row without a vector.
    pub fn check<I>(
        self: Arc<Self>,
        path: PathBuf,
        cells: I,
    ) -> impl Iterator<Item = Result<TokenCell, BoxError>> + Send
    where
        I: Iterator<Item = Result<TokenCell, BoxError>> + Send,
    {
        cells.map(move |cell| {
            let cell = cell?;
            match self.number(&cell) {
                Err(reason) if reason.starts_with("batch `") => {
                    let reason = format!("row {}: cell `{}`: {reason}", cell.row, cell.id);
                    Err(Box::new(Error::file(&path, reason)).into())
                }
                _ => Ok(cell),
            }
        })
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
