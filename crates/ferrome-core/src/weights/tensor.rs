use std::ops::Range;

use super::DType;

/// One tensor in a file: its dtype, shape and strides, and where its bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// What one element is.
    pub dtype: DType,
    /// Number of elements along each axis.
    pub shape: Vec<usize>,
    /// Distance between neighbours along each axis, in elements.
    pub(super) strides: Vec<usize>,
    /// Which file of the checkpoint.
    pub(super) file: usize,
    /// The bytes of that file from the first element to the last.
    pub(super) span: Range<usize>,
}

impl TensorInfo {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        if self.shape.contains(&0) { 0 } else { self.shape.iter().product() }
    }

    /// Bytes of the tensor once it is contiguous.
    pub fn byte_len(&self) -> usize {
        self.elements() * self.dtype.bits() / 8
    }

    /// Distance between neighbours along each axis, in elements.
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// Whether the elements lie in the file in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.elements() == 0
            || self.shape.iter().zip(&self.strides).rev().all(|(&count, &stride)| {
                let fits = count == 1 || stride == expected;
                expected *= count;
                fits
            })
    }

    /// The elements in row-major order, gathered from `span`, the bytes from the first element to the last.
    pub(super) fn gather(&self, span: &[u8]) -> Vec<u8> {
        let size = self.dtype.size();
        let mut gathered = Vec::with_capacity(self.byte_len());
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.elements() {
            let at: usize = index.iter().zip(&self.strides).map(|(i, stride)| i * stride * size).sum();
            gathered.extend(span.get(at..at + size).unwrap_or_default());
            advance(&mut index, &self.shape);
        }
        gathered
    }
}

/// The strides of a row-major tensor without gaps, in elements.
pub(super) fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .scan(1usize, |next, &count| {
            let stride = *next;
            *next = next.saturating_mul(count);
            Some(stride)
        })
        .collect();
    strides.reverse();
    strides
}

/// Moves `index` to the next element in row-major order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &count) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < count {
            return;
        }
        *i = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_2x3(strides: [usize; 2]) -> TensorInfo {
        TensorInfo { dtype: DType::U8, shape: vec![2, 3], strides: strides.to_vec(), file: 0, span: 0..6 }
    }

    #[test]
    fn gather_of_a_transposed_tensor_is_row_major() {
        assert!(bytes_2x3([3, 1]).is_contiguous());
        assert!(!bytes_2x3([1, 2]).is_contiguous());
        assert_eq!(bytes_2x3([1, 2]).gather(&[0, 1, 2, 3, 4, 5]), [0, 2, 4, 1, 3, 5]);
    }

    #[test]
    fn stride_of_an_axis_of_one_does_not_matter() {
        let mut info = bytes_2x3([9, 1]);
        info.shape = vec![1, 6];
        assert!(info.is_contiguous());
    }

    #[test]
    fn strides_of_a_row_major_tensor() {
        assert_eq!(contiguous_strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(contiguous_strides(&[]), [0usize; 0]);
    }
}
