use std::{cell::RefCell, fmt, rc::Rc};

use tch::{Device, Kind, Tensor};

use crate::{
    Error, Result, ffi,
    weights::{Checkpoint, Claims, DType},
};

/// Hands out the tensors of a checkpoint under a prefix, in the model's dtype and on its device.
///
/// A tensor that is missing or of another shape is noted and stands in as an empty one, so that [`Loader::finish`] can
/// list everything that is wrong at once. Nothing may be used before `finish` has said yes.
pub struct Loader<'c> {
    checkpoint: &'c Checkpoint,
    claims: Rc<RefCell<Claims<'c>>>,
    prefix: String,
    kind: Kind,
    device: Device,
}

impl fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loader({})", self.prefix)
    }
}

impl<'c> Loader<'c> {
    /// A loader over the whole checkpoint.
    #[must_use]
    pub fn new(checkpoint: &'c Checkpoint, kind: Kind, device: Device) -> Self {
        let claims = Rc::new(RefCell::new(Claims::new(checkpoint)));
        Self { checkpoint, claims, prefix: String::new(), kind, device }
    }

    /// The same loader below `name`: `a.pp("b").tensor("c", …)` is the tensor `a.b.c`.
    #[must_use]
    pub fn pp(&self, name: impl fmt::Display) -> Self {
        let claims = Rc::clone(&self.claims);
        Self {
            checkpoint: self.checkpoint,
            claims,
            prefix: self.full(&name.to_string()),
            kind: self.kind,
            device: self.device,
        }
    }

    /// Whether the checkpoint has a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.checkpoint.info(&self.full(name)).is_some()
    }

    /// The shape of the tensor of this name, where there is one: for tables that say themselves how long they are.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<i64>> {
        let info = self.checkpoint.info(&self.full(name))?;
        Some(info.shape.iter().map(|&n| n as i64).collect())
    }

    /// Tensors that may be left over; `*` stands for any text.
    pub fn allow_left_over(&self, pattern: &str) {
        self.claims.borrow_mut().allow_left_over(&self.full(pattern));
    }

    /// The tensor `name`, in the loader's dtype and on its device.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or the device has no room. A missing tensor is [`Loader::finish`]'s to tell.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        self.tensor_of_kind(name, shape, self.kind)
    }

    /// As [`Loader::tensor`], in a dtype of its own.
    ///
    /// # Errors
    ///
    /// As [`Loader::tensor`].
    pub fn tensor_of_kind(&self, name: &str, shape: &[i64], kind: Kind) -> Result<Tensor> {
        let mut target = Tensor::f_empty(shape, (kind, self.device))?;
        self.fill(&mut target, name, shape)?;
        Ok(target)
    }

    /// Several tensors of the same shape, one under the other: `[sum of rows, …]`.
    ///
    /// # Errors
    ///
    /// As [`Loader::tensor`].
    pub fn stacked(&self, names: &[&str], shape: &[i64]) -> Result<Tensor> {
        let Some((&rows, rest)) = shape.split_first() else {
            return Err(Error::Torch("numbers cannot be stacked".into()));
        };
        let whole: Vec<i64> = [&[rows * names.len() as i64], rest].concat();
        let target = Tensor::f_empty(&whole, (self.kind, self.device))?;
        for (i, name) in (0..).zip(names) {
            self.fill(&mut target.f_narrow(0, i * rows, rows)?, name, shape)?;
        }
        Ok(target)
    }

    /// Reads the tensor `name` into `target`, straight from the file.
    fn fill(&self, target: &mut Tensor, name: &str, shape: &[i64]) -> Result<()> {
        let name = self.full(name);
        let expected: Vec<usize> = shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        let Some(info) = self.claims.borrow_mut().take(&name, &expected) else { return Ok(()) };
        let stored = torch_kind(info.dtype)?;
        self.checkpoint
            .with_bytes(&name, |bytes| tch::no_grad(|| ffi::copy_from_bytes(target, bytes, shape, stored)))?
    }

    /// A tensor that was computed rather than read, on the loader's device and in its own dtype.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn on_device(&self, tensor: &Tensor) -> Result<Tensor> {
        Ok(tensor.f_to_device(self.device)?)
    }

    /// Says yes, or lists every tensor that is missing, of another shape, or left over.
    ///
    /// # Errors
    ///
    /// One error over all of them.
    pub fn finish(self) -> Result<()> {
        let defect = || Error::Torch("a part of the model still holds its loader".into());
        Rc::into_inner(self.claims).ok_or_else(defect)?.into_inner().finish()
    }

    fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}

fn torch_kind(dtype: DType) -> Result<Kind> {
    Ok(match dtype {
        DType::F64 => Kind::Double,
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::BF16 => Kind::BFloat16,
        DType::I64 => Kind::Int64,
        DType::I32 => Kind::Int,
        DType::I16 => Kind::Int16,
        DType::I8 => Kind::Int8,
        DType::U8 => Kind::Uint8,
        DType::Bool => Kind::Bool,
        // Claims hand none of these out.
        DType::Foreign(_) => return Err(Error::Torch(format!("tensors of dtype {dtype} are not supported"))),
    })
}
