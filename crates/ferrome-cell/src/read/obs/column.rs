use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, BooleanBuilder, PrimitiveArray, StringArray, make_array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use super::category::Category;
use crate::Result;
use crate::read::hdf5::{Kind, Little, Node, Number, Source, Stored, Texts, with_number};

/// A column of a dataframe, read by ranges of rows.
#[derive(Debug)]
pub(in crate::read) enum Column {
    Texts(Texts),
    Numbers(Stored, Number),
    Truths(Stored),
    Category(Box<Category>),
    /// Values, and where they are missing.
    Masked(Box<Column>, Stored),
    /// All of it, for what is never long.
    Memory(ArrayRef),
}

impl Column {
    /// The column stored as `name`; the error says why it is none that can be read.
    pub(in crate::read) fn open(source: &Source, name: &str) -> Result<Self> {
        match source.node(name) {
            Some(Node::Dataset(dataset)) => match Category::attached(source, &dataset, name)? {
                Some(category) => Ok(Self::Category(Box::new(category))),
                None => Self::plain(Stored::of(source, dataset, name)?),
            },
            Some(Node::Group(group)) if group.link_exists("codes") => {
                Ok(Self::Category(Box::new(Category::open(source, name)?)))
            }
            Some(Node::Group(group)) if group.link_exists("values") && group.link_exists("mask") => {
                let values = Self::open(source, &format!("{name}/values"))?;
                Ok(Self::Masked(Box::new(values), Stored::open(source, &format!("{name}/mask"))?))
            }
            Some(Node::Group(_)) => Err(source.wrong(name, "is no column that can be read")),
            None => Err(source.wrong(name, "there is no such column, or its place in the file is damaged")),
        }
    }

    fn plain(stored: Stored) -> Result<Self> {
        if stored.shape().len() != 1 {
            return Err(stored.wrong(format!("has shape {:?}, expected one dimension", stored.shape())));
        }
        match stored.kind() {
            Kind::Number(number) => {
                let number = *number;
                Ok(Self::Numbers(stored, number))
            }
            Kind::Truth => Ok(Self::Truths(stored)),
            _ => Texts::of(stored).map(Self::Texts),
        }
    }

    /// The number of rows.
    pub(in crate::read) fn len(&self) -> u64 {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Numbers(stored, _) | Self::Truths(stored) => stored.len(),
            Self::Category(category) => category.len(),
            Self::Masked(values, mask) => values.len().min(mask.len()),
            Self::Memory(array) => array.len() as u64,
        }
    }

    /// The field of this column under `name`.
    pub(super) fn field(&self, name: &str) -> Field {
        match self {
            Self::Texts(_) => Field::new(name, DataType::Utf8, true),
            Self::Numbers(_, number) => Field::new(name, data_type(*number), true),
            Self::Truths(_) => Field::new(name, DataType::Boolean, true),
            Self::Category(category) => category.field(name),
            Self::Masked(values, _) => {
                let field = values.field(name);
                let mut metadata = field.metadata().clone();
                metadata.insert("mask".to_owned(), "true".to_owned());
                field.with_metadata(metadata)
            }
            Self::Memory(array) => Field::new(name, array.data_type().clone(), true),
        }
    }

    /// Reads some rows.
    pub(in crate::read) fn read(&mut self, range: Range<u64>) -> Result<ArrayRef> {
        match self {
            Self::Texts(texts) => Ok(Arc::new(texts.read(range)?)),
            Self::Numbers(stored, number) => {
                let mut bytes = Vec::new();
                stored.read(range, &mut bytes)?;
                Ok(numbers(*number, &bytes))
            }
            Self::Truths(stored) => {
                let mut bytes = Vec::new();
                stored.read(range, &mut bytes)?;
                Ok(Arc::new(BooleanArray::from_iter(bytes.iter().map(|byte| Some(*byte != 0)))))
            }
            Self::Category(category) => category.read(range),
            Self::Masked(values, mask) => {
                let mut bytes = Vec::new();
                mask.read(range.clone(), &mut bytes)?;
                let values = values.read(range)?;
                let width = (bytes.len() / values.len().max(1)).max(1);
                let valid =
                    NullBuffer::from_iter(bytes.chunks_exact(width).map(|bytes| bytes.iter().all(|byte| *byte == 0)));
                let data = values.to_data().into_builder().nulls(Some(valid)).build()?;
                Ok(make_array(data))
            }
            Self::Memory(array) => Ok(array.slice(range.start as usize, (range.end - range.start) as usize)),
        }
    }

    /// Reads some rows as strings, as ids are; a missing one is empty.
    pub(in crate::read) fn read_ids(&mut self, range: Range<u64>) -> Result<StringArray> {
        texts(&self.read(range)?)
    }

    /// Reads all rows.
    pub(in crate::read) fn all(&mut self) -> Result<ArrayRef> {
        self.read(0..self.len())
    }
}

/// Any array as strings; a missing one is empty.
pub(in crate::read) fn texts(array: &ArrayRef) -> Result<StringArray> {
    let texts = arrow::compute::cast(array, &DataType::Utf8)?;
    let texts = arrow::array::AsArray::as_string::<i32>(&texts);
    if texts.null_count() == 0 {
        return Ok(texts.clone());
    }
    Ok(texts.iter().map(|text| Some(text.unwrap_or_default())).collect())
}

fn data_type(number: Number) -> DataType {
    match number {
        Number::I8 => DataType::Int8,
        Number::I16 => DataType::Int16,
        Number::I32 => DataType::Int32,
        Number::I64 => DataType::Int64,
        Number::U8 => DataType::UInt8,
        Number::U16 => DataType::UInt16,
        Number::U32 => DataType::UInt32,
        Number::U64 => DataType::UInt64,
        Number::F32 => DataType::Float32,
        Number::F64 => DataType::Float64,
    }
}

fn values<T: Little + ArrowNativeType>(bytes: &[u8]) -> ScalarBuffer<T> {
    bytes.chunks_exact(T::WIDTH).map(T::read).collect::<Vec<T>>().into()
}

/// Little-endian numbers as an array.
pub(super) fn numbers(number: Number, bytes: &[u8]) -> ArrayRef {
    match number {
        Number::I8 => Arc::new(PrimitiveArray::<Int8Type>::new(values(bytes), None)),
        Number::I16 => Arc::new(PrimitiveArray::<Int16Type>::new(values(bytes), None)),
        Number::I32 => Arc::new(PrimitiveArray::<Int32Type>::new(values(bytes), None)),
        Number::I64 => Arc::new(PrimitiveArray::<Int64Type>::new(values(bytes), None)),
        Number::U8 => Arc::new(PrimitiveArray::<UInt8Type>::new(values(bytes), None)),
        Number::U16 => Arc::new(PrimitiveArray::<UInt16Type>::new(values(bytes), None)),
        Number::U32 => Arc::new(PrimitiveArray::<UInt32Type>::new(values(bytes), None)),
        Number::U64 => Arc::new(PrimitiveArray::<UInt64Type>::new(values(bytes), None)),
        Number::F32 => Arc::new(PrimitiveArray::<Float32Type>::new(values(bytes), None)),
        Number::F64 => Arc::new(PrimitiveArray::<Float64Type>::new(values(bytes), None)),
    }
}

/// Codes of categories: whole numbers, -1 (or anything negative) for a missing one.
pub(super) fn codes(number: Number, bytes: &[u8]) -> Vec<Option<u64>> {
    with_number!(number, T => {
        bytes.chunks_exact(T::WIDTH).map(|bytes| T::read(bytes).whole()).collect()
    })
}

/// Truth values, one byte each.
pub(super) fn truths<'a>(bytes: impl Iterator<Item = &'a [u8]>) -> ArrayRef {
    let mut truths = BooleanBuilder::new();
    bytes.for_each(|bytes| truths.append_value(bytes.iter().any(|byte| *byte != 0)));
    Arc::new(truths.finish())
}
