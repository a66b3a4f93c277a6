//! A column of a dataframe that grows by rows.

use arrow::array::{Array, ArrayRef};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Field};
use hdf5_metno::Group;

use super::append::{Append, Fault, encoded};
use super::category::CategoryWriter;
use super::values::ValueWriter;

/// The key of a field's metadata that says that the column had a mask, even if it hides nothing.
pub(crate) const MASK: &str = "mask";

/// A column that is being written.
pub(super) enum ColumnWriter {
    /// Numbers with a point; missing ones are NaN.
    Floats(ValueWriter, DataType),
    /// Categories.
    Categories(Box<CategoryWriter>),
    /// Everything else: values and a mask, until it is known that none is missing.
    Masked(Box<Masked>),
}

/// Values, and where they are missing.
pub(super) struct Masked {
    group: Group,
    kind: DataType,
    values: ValueWriter,
    mask: Append<bool>,
    needed: bool,
}

impl ColumnWriter {
    /// A column of `frame` under the name of `field`; `None` for a type that h5ad cannot hold.
    pub(super) fn create(frame: &Group, field: &Field) -> Result<Option<Self>, Fault> {
        let name = field.name();
        let kind = match field.data_type() {
            DataType::Dictionary(_, _) => {
                return Ok(Some(Self::Categories(Box::new(CategoryWriter::create(frame, field)?))));
            }
            DataType::Float16 => DataType::Float32,
            kind if kind.is_floating() || kind.is_integer() || *kind == DataType::Boolean => kind.clone(),
            kind if can_cast_types(kind, &DataType::Utf8) && !kind.is_nested() && !kind.is_binary() => DataType::Utf8,
            _ => return Ok(None),
        };
        if kind.is_floating() {
            return Ok(Some(Self::Floats(ValueWriter::create(frame, name, &kind)?, kind)));
        }
        let group = frame.create_group(name)?;
        let values = ValueWriter::create(&group, "values", &kind)?;
        let mask = Append::create(&group, "mask")?;
        if let Some(mask) = mask.dataset() {
            encoded(mask, "array", "0.2.0")?;
        }
        let needed = field.metadata().get(MASK).is_some_and(|mask| mask == "true");
        Ok(Some(Self::Masked(Box::new(Masked { group, kind, values, mask, needed }))))
    }

    pub(super) fn append(&mut self, column: &ArrayRef) -> Result<(), Fault> {
        match self {
            Self::Floats(values, kind) => values.append(&cast(column, kind)?),
            Self::Categories(categories) => categories.append(column),
            Self::Masked(masked) => masked.append(column),
        }
    }

    /// Gives the column its final shape.
    pub(super) fn finish(self, frame: &Group, name: &str) -> Result<(), Fault> {
        match self {
            Self::Floats(..) => Ok(()),
            Self::Categories(categories) => categories.finish(),
            Self::Masked(masked) if masked.needed => encoded(&masked.group, masked.encoding(), "0.1.0"),
            Self::Masked(_) => {
                // Nothing is missing: the values alone are the column.
                let beside = format!("__{name}");
                frame.relink(&format!("{name}/values"), &beside)?;
                frame.unlink(name)?;
                Ok(frame.relink(&beside, name)?)
            }
        }
    }
}

impl Masked {
    fn append(&mut self, column: &ArrayRef) -> Result<(), Fault> {
        let column = cast(column, &self.kind)?;
        self.values.append(&column)?;
        let mask: Vec<bool> = (0..column.len()).map(|row| column.is_null(row)).collect();
        self.needed |= column.null_count() > 0;
        self.mask.append(&mask)
    }

    fn encoding(&self) -> &'static str {
        match self.kind {
            DataType::Boolean => "nullable-boolean",
            DataType::Utf8 => "nullable-string-array",
            _ => "nullable-integer",
        }
    }
}
