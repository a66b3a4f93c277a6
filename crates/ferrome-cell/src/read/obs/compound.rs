//! Tables with fields, as anndata wrote `obs` and `var` before 0.7.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::Field;
use hdf5_metno::types::{CompoundType, TypeDescriptor};

use super::category::Categories;
use super::column::{codes, numbers, truths};
use crate::Result;
use crate::read::hdf5::{Number, Source, Stored, text};

/// A table with fields, all of it.
pub(super) struct Table {
    /// The names of its fields, in their order, with what they hold, if that can be read.
    pub(super) fields: Vec<(String, Option<(Field, ArrayRef)>)>,
}

impl Table {
    /// Reads a table; the categories of a field lie in `uns`.
    pub(super) fn read(source: &Source, mut stored: Stored, compound: &CompoundType) -> Result<Self> {
        let mut bytes = Vec::new();
        stored.read(0..stored.len(), &mut bytes)?;
        let (width, turned) = (stored.width(), stored.is_big_endian());
        let mut fields = Vec::new();
        for field in &compound.fields {
            let rows = bytes.chunks_exact(width.max(1)).map(|row| &row[field.offset..field.offset + field.ty.size()]);
            let categories = format!("uns/{}_categories", field.name);
            let values = match cells(&field.ty, rows, turned) {
                Cells::Numbers(number, bytes) if !number.is_float() && source.node(&categories).is_some() => {
                    let categories = Categories::open(source, &categories)?;
                    let picked = categories.pick(codes(number, &bytes)).map_err(|what| stored.wrong(what))?;
                    Some((categories.field(&field.name), picked))
                }
                Cells::Numbers(number, bytes) => Some(plain(&field.name, numbers(number, &bytes))),
                Cells::Other(array) => Some(plain(&field.name, array)),
                Cells::Unknown => None,
            };
            fields.push((field.name.clone(), values));
        }
        Ok(Self { fields })
    }
}

/// The values of a field, row by row.
enum Cells {
    Numbers(Number, Vec<u8>),
    Other(ArrayRef),
    Unknown,
}

fn cells<'a>(descriptor: &TypeDescriptor, rows: impl Iterator<Item = &'a [u8]>, turned: bool) -> Cells {
    match descriptor {
        TypeDescriptor::FixedAscii(_) | TypeDescriptor::FixedUnicode(_) => {
            Cells::Other(Arc::new(rows.map(|bytes| Some(text(bytes))).collect::<StringArray>()))
        }
        TypeDescriptor::Boolean => Cells::Other(truths(rows)),
        _ => Number::of(descriptor).map_or(Cells::Unknown, |number| {
            let mut bytes = rows.collect::<Vec<_>>().concat();
            if turned {
                bytes.chunks_exact_mut(number.width()).for_each(<[u8]>::reverse);
            }
            Cells::Numbers(number, bytes)
        }),
    }
}

fn plain(name: &str, array: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), array)
}
