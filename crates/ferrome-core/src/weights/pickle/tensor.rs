use std::rc::Rc;

use super::globals::Role;
use super::graph::{Id, Node};
use super::machine::Machine;
use crate::weights::DType;
use crate::weights::problem::PytorchProblem;
use crate::weights::storage::{Storage, StoredTensor};

/// Most axes of a tensor, as in PyTorch.
const MOST_AXES: usize = 64;

impl Machine<'_> {
    /// A storage, from `("storage", class, key, location, elements)`; legacy files add a view, which must be `None`.
    pub(super) fn persistent(&mut self) -> Result<(), PytorchProblem> {
        let id = self.pop()?;
        let Node::Tuple(parts) = self.node(id)? else {
            return Err(self.reader.bad("a storage is not described by a tuple"));
        };
        let (&[tag, class, key, _, elements] | &[tag, class, key, _, elements, _]) = parts.as_slice() else {
            return Err(self.reader.bad("a storage is not described by five values"));
        };
        if let Some(&view) = parts.get(5)
            && !matches!(self.node(view)?, Node::None)
        {
            return Err(self.reader.bad("views of storages are not supported"));
        }
        let storage = match (self.node(tag)?, self.node(class)?, self.node(key)?, self.node(elements)?) {
            (Node::Str(tag), Node::Class(class), Node::Str(key), Node::Int(elements)) if tag == "storage" => {
                let (Role::Storage(dtype), Ok(elements)) = (class.role, u64::try_from(*elements)) else {
                    return Err(self.reader.bad("a storage of no known class or of a negative size"));
                };
                Rc::new(Storage { key: key.clone(), dtype, elements })
            }
            _ => return Err(self.reader.bad("a storage is described by values of the wrong kind")),
        };
        self.charge(storage.key.len())?;
        if self.storages.insert(storage.key.clone(), storage.clone()).is_some_and(|before| before != storage) {
            return Err(self.reader.bad("a storage is described in two ways"));
        }
        self.push(Node::Storage(storage));
        Ok(())
    }

    /// A tensor, from `(storage, offset, shape, strides, …)`.
    pub(super) fn tensor(&self, args: &[Id]) -> Result<Node, PytorchProblem> {
        let &[storage, offset, shape, strides, ..] = args else {
            return Err(self.reader.bad("a tensor is not described by four values"));
        };
        self.view(storage, [offset, shape, strides], None)
    }

    /// A tensor, from `(storage, offset, shape, strides, requires_grad, hooks, dtype, …)`.
    pub(super) fn tensor_with_dtype(&self, args: &[Id]) -> Result<Node, PytorchProblem> {
        let &[storage, offset, shape, strides, _, _, dtype, ..] = args else {
            return Err(self.reader.bad("a tensor is not described by seven values"));
        };
        match self.node(dtype)? {
            Node::Class(class) if let Role::Dtype(dtype) = class.role => {
                self.view(storage, [offset, shape, strides], Some(dtype))
            }
            _ => Err(self.reader.bad("the dtype of a tensor is none")),
        }
    }

    fn view(
        &self,
        storage: Id,
        [offset, shape, strides]: [Id; 3],
        dtype: Option<DType>,
    ) -> Result<Node, PytorchProblem> {
        let Node::Storage(storage) = self.node(storage)? else {
            return Err(self.reader.bad("a tensor without a storage"));
        };
        let dtype = dtype.or(storage.dtype).ok_or_else(|| self.reader.bad("a tensor without a dtype"))?;
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        if shape.len() != strides.len() {
            return Err(self.reader.bad("a tensor with more or fewer strides than axes"));
        }
        let offset = self.size(offset)?;
        Ok(Node::Tensor(Box::new(StoredTensor { storage: storage.clone(), dtype, offset, shape, strides })))
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, PytorchProblem> {
        match self.node(id)? {
            Node::Tuple(sizes) | Node::List(sizes) if sizes.len() <= MOST_AXES => {
                sizes.iter().map(|&size| self.size(size)).collect()
            }
            _ => Err(self.reader.bad("the shape or strides of a tensor are no tuple of up to 64 numbers")),
        }
    }

    fn size(&self, id: Id) -> Result<usize, PytorchProblem> {
        let size = match self.node(id)? {
            Node::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        size.ok_or_else(|| self.reader.bad("a size, stride or offset that is negative or no number"))
    }
}

#[cfg(test)]
mod tests {
    use crate::weights::pickle::read;

    const STORAGE: &[u8] = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06tQ";

    /// `_rebuild_tensor_v2` of a storage of six floats, with this offset, shape and strides.
    #[track_caller]
    fn refused(offset_shape_strides: &[u8], expected: &str) {
        let head = b"}ctorch._utils\n_rebuild_tensor_v2\n(";
        let pickle = [head, STORAGE, offset_shape_strides, b"\x89NtR."].concat();
        let message = read(&pickle).unwrap_err().to_string();
        assert_eq!(message.split_once(": ").unwrap().1, expected);
    }

    #[test]
    fn negative_offset_size_or_stride() {
        let message = "a size, stride or offset that is negative or no number";
        refused(b"J\xff\xff\xff\xff))", message);
        refused(b"K\0J\xff\xff\xff\xff\x85K\x01\x85", message);
        refused(b"K\0K\x01\x85J\xff\xff\xff\xff\x85", message);
        refused(b"N))", message);
    }

    #[test]
    fn shape_and_strides_that_do_not_agree() {
        refused(b"K\0K\x01\x85)", "a tensor with more or fewer strides than axes");
        refused(b"K\0N)", "the shape or strides of a tensor are no tuple of up to 64 numbers");
        let many = [b"K\0(".as_slice(), &[b'K', 1].repeat(65), b"t)"].concat();
        refused(&many, "the shape or strides of a tensor are no tuple of up to 64 numbers");
    }

    #[test]
    fn storage_described_in_two_ways() {
        let other = b"(U\x07storagectorch\nHalfStorage\nU\x010U\x03cpuK\x06tQ";
        let message = read(&[STORAGE, other].concat()).unwrap_err().to_string();
        assert_eq!(message, "damaged pickle at byte 83: a storage is described in two ways");
    }

    #[test]
    fn untyped_storage_without_a_dtype() {
        let storage = b"(U\x07storagectorch.storage\nUntypedStorage\nU\x010U\x03cpuK\x06tQ";
        let pickle = [b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice(), storage, b"K\0))tR."].concat();
        let message = read(&pickle).unwrap_err().to_string();
        assert!(message.ends_with(": a tensor without a dtype"), "{message}");
        let pickle =
            [b"}U\x01wctorch._utils\n_rebuild_tensor_v3\n(".as_slice(), storage, b"K\0))\x89Nctorch\nint16\nNtRs."];
        let unpickled = read(&pickle.concat()).unwrap().export().unwrap();
        assert_eq!(unpickled.tensors[0].1.dtype, crate::weights::DType::I16);
    }
}
