use std::fmt;

use ::safetensors::Dtype;

/// What one element of a tensor is, under the names that safetensors uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// IEEE double precision.
    F64,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    BF16,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// One byte, 0 or 1.
    Bool,
    /// One that Ferrome lists and does not compute with.
    Foreign(Foreign),
}

/// A dtype of safetensors that no model of Ferrome computes with, such as `U16` or `F8_E4M3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign(Dtype);

impl DType {
    /// Bits of one element: a multiple of 8 but for a few of the foreign ones.
    pub fn bits(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 64,
            DType::F32 | DType::I32 => 32,
            DType::F16 | DType::BF16 | DType::I16 => 16,
            DType::I8 | DType::U8 | DType::Bool => 8,
            DType::Foreign(Foreign(dtype)) => dtype.bitsize(),
        }
    }

    /// Bytes of one element, rounded up.
    pub fn size(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// The dtype of a safetensors header.
    pub(super) fn from_safetensors(dtype: Dtype) -> DType {
        match dtype {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I64 => DType::I64,
            Dtype::I32 => DType::I32,
            Dtype::I16 => DType::I16,
            Dtype::I8 => DType::I8,
            Dtype::U8 => DType::U8,
            Dtype::BOOL => DType::Bool,
            other => DType::Foreign(Foreign(other)),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F64 => "F64",
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::I64 => "I64",
            DType::I32 => "I32",
            DType::I16 => "I16",
            DType::I8 => "I8",
            DType::U8 => "U8",
            DType::Bool => "BOOL",
            DType::Foreign(Foreign(dtype)) => return dtype.fmt(f),
        })
    }
}
