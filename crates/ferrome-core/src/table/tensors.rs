//! What a model computed, as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeListArray, Float32Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use tch::{Device, Kind, Tensor};

use crate::Result;

/// The type of a column of vectors of f32.
#[must_use]
pub fn vector(width: i64) -> DataType {
    let width = i32::try_from(width).unwrap_or(i32::MAX);
    DataType::FixedSizeList(Arc::new(Field::new_list_field(DataType::Float32, true)), width)
}

/// The rows of all pieces, each `[n, d]`, as a column of vectors of f32.
///
/// # Errors
///
/// The pieces have different widths, or there is none.
pub fn vectors(pieces: &[Tensor]) -> Result<ArrayRef> {
    let rows = Tensor::f_cat(pieces, 0)?.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let (n, d) = rows.size2()?;
    let mut values = vec![0.0_f32; rows.numel()];
    rows.f_copy_data(&mut values, rows.numel())?;
    let field = Arc::new(Field::new_list_field(DataType::Float32, true));
    let (d, n) = (i32::try_from(d).unwrap_or(i32::MAX), usize::try_from(n).unwrap_or(0));
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(field, d, Arc::new(Float32Array::from(values)), None, n)?))
}

/// A column of lists: one list per piece, of as many vectors as the piece has rows.
///
/// # Errors
///
/// As [`vectors`].
pub fn lists(pieces: &[Tensor]) -> Result<ArrayRef> {
    let rows =
        pieces.iter().map(|piece| Ok(usize::try_from(piece.size2()?.0).unwrap_or(0))).collect::<Result<Vec<_>>>()?;
    let values = vectors(pieces)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(rows), values, None)?))
}
