use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use ferrome_core::journal::RunDescription;

use crate::{Error, Result};

/// Columns of `obs` that go along with the tokens, each with its name in the output.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ObsColumns(Vec<(String, String)>);

impl ObsColumns {
    /// Columns as someone asked for them: `NAME`, or `NAME=NEW` to give it another name.
    ///
    /// # Errors
    ///
    /// [`Error::NoObsColumn`], which lists the nearest names.
    pub fn new<S: AsRef<str>>(asked: &[S], obs: &Schema) -> Result<Self> {
        let there = |name: &str| obs.column_with_name(name).is_some();
        let column = |asked: &S| {
            let asked = asked.as_ref();
            match asked.split_once('=') {
                // A column may have the sign in its own name.
                _ if there(asked) => Ok((asked.to_owned(), asked.to_owned())),
                Some((name, new)) if there(name) => Ok((name.to_owned(), new.to_owned())),
                Some((name, _)) => Err(Error::no_obs_column(name, obs)),
                None => Err(Error::no_obs_column(asked, obs)),
            }
        };
        asked.iter().map(column).collect::<Result<_>>().map(Self)
    }

    /// The names in `obs`.
    pub(in crate::task) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses names that the table of tokens has already.
    pub(in crate::task) fn check(&self, tokens: &[Field]) -> Result<()> {
        let taken =
            |name: &str| ["cell_id", "error"].contains(&name) || tokens.iter().any(|field| field.name() == name);
        for (index, (name, new)) in self.0.iter().enumerate() {
            let twice = self.0.iter().take(index).any(|(_, earlier)| earlier == new);
            if taken(new) || twice || new.is_empty() {
                return Err(Error::ObsColumnTaken { column: name.clone(), name: new.clone() });
            }
        }
        Ok(())
    }

    pub(in crate::task) fn describe(&self, description: &mut RunDescription) {
        let columns: Vec<String> = self.0.iter().map(|(name, new)| format!("{name}={new}")).collect();
        description.set("obs", columns.join(","));
    }

    /// The fields of the output.
    pub(in crate::task) fn fields(&self, obs: &Schema) -> Vec<Field> {
        let field = |(name, new): &(String, String)| {
            let kind = obs.field_with_name(name).map_or(DataType::Null, |field| plain(field.data_type()));
            Field::new(new, kind, true)
        };
        self.0.iter().map(field).collect()
    }

    /// The columns of a block, as [`Self::fields`] says.
    pub(in crate::task) fn take(&self, obs: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let column = |name| {
            let column = obs.column_by_name(name).ok_or_else(|| Error::no_obs_column(name, obs.schema_ref()))?;
            let kind = plain(column.data_type());
            if kind == *column.data_type() { Ok(Arc::clone(column)) } else { Ok(cast(column, &kind)?) }
        };
        self.names().map(column).collect()
    }
}

/// Categories and every kind of text become plain text: `datasets` knows no dictionaries.
fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        kind => kind.clone(),
    }
}
