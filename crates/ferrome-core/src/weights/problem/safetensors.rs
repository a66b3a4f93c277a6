use crate::weights::DType;

/// What is wrong with a safetensors file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SafetensorsProblem {
    /// The first eight bytes of a safetensors file are not there.
    #[error("truncated safetensors file, expected a header length of 8 bytes, found {found} bytes")]
    NoHeaderLength {
        /// Bytes in the file.
        found: usize,
    },
    /// The header length exceeds the limit of 100 MB.
    #[error("safetensors header claims {claimed} bytes, more than the limit of {limit}")]
    HeaderTooLarge {
        /// Claimed bytes of header.
        claimed: u64,
        /// Largest header that is read.
        limit: u64,
    },
    /// The header length exceeds the file.
    #[error("truncated safetensors file, its header claims {claimed} bytes but only {found} follow")]
    HeaderTruncated {
        /// Claimed bytes of header.
        claimed: u64,
        /// Bytes after the header length.
        found: usize,
    },
    /// The header is not the JSON that safetensors prescribes.
    #[error("invalid safetensors header: {detail}")]
    BadHeader {
        /// What the JSON parser said.
        detail: String,
    },
    /// The tensor data are shorter than the header says.
    #[error("truncated safetensors file, expected {expected} bytes of tensors, found {found}")]
    DataTruncated {
        /// Bytes that the header describes.
        expected: usize,
        /// Bytes after the header.
        found: usize,
    },
    /// The tensor data are longer than the header says.
    #[error("{extra} bytes follow the last tensor of the safetensors file")]
    TrailingData {
        /// Bytes that no tensor covers.
        extra: usize,
    },
    /// Two tensors share bytes.
    #[error("tensor `{name}` overlaps another: it starts at byte {start}, the one before ends at byte {end}")]
    Overlap {
        /// Name of the later tensor.
        name: String,
        /// Where it starts, in bytes after the header.
        start: usize,
        /// Where the one before ends.
        end: usize,
    },
    /// Bytes that belong to no tensor.
    #[error("hole before tensor `{name}`: it starts at byte {start}, the one before ends at byte {end}")]
    Hole {
        /// Name of the later tensor.
        name: String,
        /// Where it starts, in bytes after the header.
        start: usize,
        /// Where the one before ends.
        end: usize,
    },
    /// Shape and dtype do not give the number of bytes in the header.
    #[error("tensor `{name}`: {dtype} of shape {shape:?} does not fill bytes {start} to {end}")]
    WrongSize {
        /// Name of the tensor.
        name: String,
        /// Its dtype.
        dtype: DType,
        /// Its shape.
        shape: Vec<usize>,
        /// First byte after the header.
        start: usize,
        /// One past its last byte.
        end: usize,
    },
    /// A name is given twice.
    #[error("tensor `{name}` is given twice")]
    Duplicate {
        /// Name of the tensor.
        name: String,
    },
}
