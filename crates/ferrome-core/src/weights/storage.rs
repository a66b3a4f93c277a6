use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::rc::Rc;

use super::problem::PytorchProblem;
use super::{DType, TensorInfo};

/// A run of bytes that one or more tensors of a PyTorch file view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Its name in the file, usually a number.
    pub(super) key: String,
    /// `None` for an untyped storage.
    pub(super) dtype: Option<DType>,
    /// Number of elements, or of bytes when untyped.
    pub(super) elements: u64,
}

impl Storage {
    /// Bytes of one element.
    pub(super) fn element_size(&self) -> u64 {
        self.dtype.map_or(1, DType::size) as u64
    }

    /// Checks that the file has as many bytes as the storage promises.
    fn check(&self, range: &Range<usize>) -> Result<(), PytorchProblem> {
        let expected = self.elements.saturating_mul(self.element_size());
        if expected > range.len() as u64 {
            return Err(PytorchProblem::ShortStorage { storage: self.key.clone(), expected, found: range.len() });
        }
        Ok(())
    }
}

/// A tensor as a pickle describes it.
#[derive(Clone, Debug)]
pub(super) struct StoredTensor {
    pub(super) storage: Rc<Storage>,
    pub(super) dtype: DType,
    /// First element, counted from the start of the storage.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// In elements.
    pub(super) strides: Vec<usize>,
}

impl StoredTensor {
    /// The bytes from the first element to the last, counted from the start of the storage; `None` on overflow.
    fn span(&self) -> Option<Range<usize>> {
        let size = self.dtype.size();
        let start = self.offset.checked_mul(size)?;
        if self.shape.contains(&0) {
            return Some(start..start);
        }
        let last =
            self.shape.iter().zip(&self.strides).try_fold(0usize, |last, (&count, stride)| {
                count.checked_sub(1)?.checked_mul(*stride)?.checked_add(last)
            })?;
        Some(start..last.checked_add(1)?.checked_mul(size)?.checked_add(start)?)
    }

    /// Bytes of the tensor once it is contiguous; `None` on overflow.
    fn byte_len(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(self.dtype.size(), |bytes, &count| bytes.checked_mul(count))
    }

    /// Where the tensor lies in the file, when its storage occupies the bytes `range` of it.
    ///
    /// A tensor that repeats elements (stride 0) so that it exceeds its storage is refused: a small file could
    /// otherwise ask for any amount of memory.
    fn place(self, name: &str, range: &Range<usize>) -> Result<TensorInfo, PytorchProblem> {
        let inside = |end: usize| end <= range.len();
        match (self.span(), self.byte_len()) {
            (Some(span), Some(bytes)) if inside(span.end) && inside(bytes) => {
                let span = range.start + span.start..range.start + span.end;
                Ok(TensorInfo { dtype: self.dtype, shape: self.shape, strides: self.strides, file: 0, span })
            }
            _ => Err(PytorchProblem::OutOfStorage {
                name: name.to_owned(),
                shape: self.shape,
                strides: self.strides,
                bytes: range.len(),
            }),
        }
    }
}

/// Finds every tensor in the file; `storages` are the bytes of each storage key.
pub(super) fn place(
    tensors: Vec<(String, StoredTensor)>,
    storages: &HashMap<String, Range<usize>>,
) -> Result<BTreeMap<String, TensorInfo>, PytorchProblem> {
    let mut placed = BTreeMap::new();
    for (name, tensor) in tensors {
        let Some(range) = storages.get(&tensor.storage.key) else {
            return Err(PytorchProblem::NoStorage { name, storage: tensor.storage.key.clone() });
        };
        tensor.storage.check(range)?;
        let info = tensor.place(&name, range)?;
        if placed.insert(name.clone(), info).is_some() {
            return Err(PytorchProblem::Duplicate { name });
        }
    }
    Ok(placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two by three floats in a storage of six, which lies at bytes 100 to 124.
    fn floats(offset: usize, shape: &[usize], strides: &[usize]) -> Result<TensorInfo, PytorchProblem> {
        let storage = Rc::new(Storage { key: "0".into(), dtype: Some(DType::F32), elements: 6 });
        let (shape, strides) = (shape.to_vec(), strides.to_vec());
        let tensor = StoredTensor { storage, dtype: DType::F32, offset, shape, strides };
        let mut placed = place(vec![("w".into(), tensor)], &HashMap::from([("0".to_owned(), 100..124)]))?;
        Ok(placed.remove("w").unwrap())
    }

    #[track_caller]
    fn refused(offset: usize, shape: &[usize], strides: &[usize]) {
        let message =
            format!("tensor `w` of shape {shape:?} and strides {strides:?} does not fit its storage of 24 bytes");
        assert_eq!(floats(offset, shape, strides).unwrap_err().to_string(), message);
    }

    #[test]
    fn tensors_inside_their_storage() {
        assert_eq!(floats(0, &[2, 3], &[3, 1]).unwrap().span, 100..124);
        assert_eq!(floats(0, &[3, 2], &[1, 3]).unwrap().span, 100..124);
        assert_eq!(floats(5, &[], &[]).unwrap().span, 120..124);
        assert_eq!(floats(6, &[0, 9], &[9, 1]).unwrap().span, 124..124);
    }

    #[test]
    fn tensors_that_reach_past_their_storage() {
        refused(1, &[2, 3], &[3, 1]);
        refused(6, &[], &[]);
        refused(usize::MAX, &[1], &[1]);
        refused(7, &[0], &[1]);
    }

    #[test]
    fn tensors_that_overflow_or_repeat_their_storage() {
        refused(0, &[usize::MAX, 2], &[2, 1]);
        refused(0, &[2, 2], &[usize::MAX, 1]);
        refused(0, &[1 << 40], &[0]);
    }

    #[test]
    fn storages_that_are_missing_or_short() {
        let tensor = |elements| {
            let storage = Rc::new(Storage { key: "7".into(), dtype: Some(DType::I64), elements });
            let tensor = StoredTensor { storage, dtype: DType::I64, offset: 0, shape: vec![], strides: vec![] };
            vec![("w".to_owned(), tensor)]
        };
        let problem = place(tensor(1), &HashMap::new()).unwrap_err();
        assert_eq!(problem.to_string(), "tensor `w`: its storage `7` is missing");
        let problem = place(tensor(2), &HashMap::from([("7".to_owned(), 0..15)])).unwrap_err();
        assert_eq!(problem.to_string(), "truncated PyTorch file, storage `7` needs 16 bytes, found 15");
    }
}
