//! A column of categories that grows by rows.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use hdf5_metno::Group;

use super::append::{Fault, encoded};
use super::values::ValueWriter;
use crate::dataset::categories::{Categories, Encoder};

/// Types that categories may have had in the file that they came from.
const KINDS: [DataType; 11] = [
    DataType::Boolean,
    DataType::Int8,
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::UInt8,
    DataType::UInt16,
    DataType::UInt32,
    DataType::UInt64,
    DataType::Float32,
    DataType::Float64,
];

/// A column of categories that is being written; they are those of the first rows.
pub(super) struct CategoryWriter {
    group: Group,
    field: Field,
    codes: Option<(Encoder, DataType, ValueWriter)>,
}

impl CategoryWriter {
    pub(super) fn create(frame: &Group, field: &Field) -> Result<Self, Fault> {
        let group = frame.create_group(field.name())?;
        encoded(&group, "categorical", "0.2.0")?;
        let ordered = field.dict_is_ordered().unwrap_or_default();
        group.new_attr::<bool>().create("ordered")?.write_scalar(&ordered)?;
        Ok(Self { group, field: field.clone(), codes: None })
    }

    pub(super) fn append(&mut self, column: &ArrayRef) -> Result<(), Fault> {
        if self.codes.is_none() {
            self.begin(column)?;
        }
        let Some((encoder, kind, codes)) = &mut self.codes else { return Ok(()) };
        let column = encoder.encode(column)?;
        let column: arrow::array::Int32Array = column.keys().iter().map(|code| Some(code.unwrap_or(-1))).collect();
        codes.append(&cast(&column, kind)?)
    }

    /// Writes the categories.
    fn begin(&mut self, column: &ArrayRef) -> Result<(), Fault> {
        let categories = Categories::of(&self.field, column)?;
        let categories =
            categories.unwrap_or(Categories { ordered: false, kind: "Utf8".to_owned(), values: Vec::new() });
        let kind = KINDS.iter().find(|kind| kind.to_string() == categories.kind).unwrap_or(&DataType::Utf8);
        let texts: ArrayRef = std::sync::Arc::new(categories.array());
        ValueWriter::create(&self.group, "categories", kind)?.append(&cast(&texts, kind)?)?;
        // As narrow as pandas has them.
        let codes = match texts.len() {
            0..=127 => DataType::Int8,
            128..=32_767 => DataType::Int16,
            _ => DataType::Int32,
        };
        let writer = ValueWriter::create(&self.group, "codes", &codes)?;
        self.codes = Some((Encoder::new(&categories), codes, writer));
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Fault> {
        if self.codes.is_none() {
            let none = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            self.begin(&arrow::array::new_empty_array(&none))?;
        }
        Ok(())
    }
}
