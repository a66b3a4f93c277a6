//! The doors to libtorch that tch 0.24 does not have: two C functions, a library opened at run time, tensor memory seen as
//! a slice, and an end of the process without its destructors.

#![expect(unsafe_code, reason = "calls C symbols of libtorch and views the memory of CPU tensors")]

use std::{
    ffi::{CStr, c_char, c_double, c_int, c_void},
    ptr,
};

use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

unsafe extern "C" {
    // torch/csrc/inductor/aoti_torch/c/shim_cpu.h of PyTorch 2.11; an `AtenTensorHandle` is an `at::Tensor *`.
    #[link_name = "aoti_torch_cpu__linear_pointwise"]
    fn linear_pointwise(
        input: *mut c_void,
        weight: *mut c_void,
        bias: *mut *mut c_void,
        attribute: *const c_char,
        scalars: *const *const c_double,
        scalars_len: i64,
        algorithm: *const *const c_char,
        output: *mut *mut c_void,
    ) -> i32;

    // POSIX.
    #[link_name = "_exit"]
    safe fn exit_at_once(code: c_int) -> !;
}

/// Ends the process with `code`, at once: standard output has to be flushed, files closed and threads done.
///
/// At a usual end, libtorch takes its operators out of their tables one by one, which is a tenth of a second in which
/// nothing useful happens: as much as it takes to load it.
pub fn end_process(code: u8) -> ! {
    exit_at_once(c_int::from(code))
}

/// Copies the bytes of a contiguous tensor of `shape` and `kind` into `target` of the same shape, converting to its dtype and
/// device on the way, without a tensor in between.
///
/// # Errors
///
/// Fails when the bytes are not as many as the shape needs, or when libtorch cannot copy them.
pub(crate) fn copy_from_bytes(target: &mut Tensor, bytes: &[u8], shape: &[i64], kind: Kind) -> Result<()> {
    let strides: Vec<i64> = (0..shape.len()).map(|i| shape.iter().skip(i + 1).product()).collect();
    let elements: i64 = shape.iter().product();
    let width = kind.elt_size_in_bytes();
    if usize::try_from(elements).ok().and_then(|elements| elements.checked_mul(width)) != Some(bytes.len()) {
        return Err(Error::Torch(format!("{} bytes do not make a tensor of shape {shape:?}", bytes.len())));
    }
    if !bytes.as_ptr().addr().is_multiple_of(width) {
        target.f_copy_(&Tensor::f_from_data_size(bytes, shape, kind)?)?;
        return Ok(());
    }
    // SAFETY: the tensor covers exactly `bytes`, aligned, which outlive it: it ends in this function, is only read, and
    // the copy is synchronous.
    let source = unsafe { Tensor::f_from_blob(bytes.as_ptr(), shape, &strides, kind, Device::Cpu)? };
    target.f_copy_(&source)?;
    Ok(())
}

/// Where the result of a product has so many elements, it is tried beforehand whether there is room for it: the C function
/// keeps the reason of a failure to itself, and prints a page about it.
const LARGE: i64 = 1 << 24;

/// What oneDNN applies to a product before it leaves the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epilogue {
    /// Nothing.
    Identity,
    /// The exact (erf) GELU, on the f32 accumulator.
    Gelu,
    /// `max(x, 0)`.
    Relu,
}

/// `epilogue(input @ weight.T + bias)` by oneDNN on the CPU: f32 or bf16, `[n, in] x [out, in] -> [n, out]`.
///
/// libtorch sends f32 products to MKL, which runs at less than half of oneDNN's rate on processors that are not Intel's.
/// The operator has no backward: callers use it without gradients only.
///
/// # Errors
///
/// Fails when there is no room for the result, or libtorch refuses the shapes or dtypes; the reason of that is on libtorch's
/// own stderr line.
pub(crate) fn onednn_linear(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let (attribute, algorithm): (&CStr, Option<&CStr>) = match epilogue {
        Epilogue::Identity => (c"none", None),
        Epilogue::Gelu => (c"gelu", Some(c"none")),
        Epilogue::Relu => (c"relu", None),
    };
    let (n, out) = (input.size2()?.0, weight.size2()?.0);
    let room = || Tensor::f_empty([n, out], (input.f_kind()?, input.device()));
    if n.saturating_mul(out) >= LARGE {
        drop(room()?);
    }
    let mut bias = bias.map(|b| b.as_ptr().cast_mut().cast::<c_void>());
    let algorithm = algorithm.map(CStr::as_ptr);
    let mut output = ptr::null_mut();
    // SAFETY: the handles are live `at::Tensor` pointers that the callee only reads; an optional argument is a pointer
    // to the value or null; `output` receives an owned handle when the code is 0.
    let code = unsafe {
        linear_pointwise(
            input.as_ptr().cast_mut().cast(),
            weight.as_ptr().cast_mut().cast(),
            bias.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
            attribute.as_ptr(),
            ptr::null(),
            0,
            algorithm.as_ref().map_or(ptr::null(), ptr::from_ref),
            &raw mut output,
        )
    };
    if code != 0 || output.is_null() {
        drop(room()?);
        return Err(Error::Torch(format!(
            "oneDNN linear failed: input {:?}, weight {:?}, kind {:?}",
            input.size(),
            weight.size(),
            input.kind()
        )));
    }
    // SAFETY: `output` is an `at::Tensor *` made by `new` that nobody else owns; tch deletes it once.
    Ok(unsafe { Tensor::from_ptr(output.cast()) })
}

/// A number that a tensor's memory can be read as.
pub(crate) trait Element: Copy {
    /// The tensor kind with this memory layout.
    const KIND: Kind;
}

impl Element for f32 {
    const KIND: Kind = Kind::Float;
}

impl Element for half::bf16 {
    const KIND: Kind = Kind::BFloat16;
}

impl Element for i64 {
    const KIND: Kind = Kind::Int64;
}

/// The elements of a contiguous CPU tensor, in row-major order.
///
/// # Errors
///
/// Fails when the tensor lies on another device, has another kind, or is not contiguous.
pub(crate) fn elements<T: Element>(tensor: &Tensor) -> Result<&[T]> {
    check::<T>(tensor)?;
    // SAFETY: `check` proved a defined, contiguous CPU tensor of this kind, so `numel` elements lie at `data_ptr`;
    // they live as long as `tensor` is borrowed.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) })
}

/// As [`elements`], to write into. The tensor must be one that nobody else views: one that was just made.
pub(crate) fn elements_mut<T: Element>(tensor: &mut Tensor) -> Result<&mut [T]> {
    check::<T>(tensor)?;
    // SAFETY: as in `elements`; the exclusive borrow keeps this handle's other users out.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) })
}

fn check<T: Element>(tensor: &Tensor) -> Result<()> {
    if tensor.device() == Device::Cpu && tensor.f_kind()? == T::KIND && tensor.is_contiguous() && tensor.numel() > 0 {
        return Ok(());
    }
    Err(Error::Torch(format!(
        "expected a contiguous {:?} tensor on the cpu, found {:?} on {:?} with shape {:?}",
        T::KIND,
        tensor.kind(),
        tensor.device(),
        tensor.size()
    )))
}

/// Opens `libtorch_cuda.so` for the life of the process, so that its kernels register themselves.
///
/// # Errors
///
/// Gives the loader's own words when the library or one it needs is not there.
pub(crate) fn open_cuda() -> Result<()> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: libtorch_cuda's static initialisers only register operators with libtorch_cpu, which is already loaded
    // in the version that this binary was linked with.
    let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
    let library = library.map_err(|e| Error::Torch(e.to_string()))?;
    std::mem::forget(library);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(bytes: &[u8], shape: &[i64]) -> Result<Vec<f32>> {
        let mut target = Tensor::f_zeros(shape, (Kind::BFloat16, Device::Cpu))?;
        copy_from_bytes(&mut target, bytes, shape, Kind::Float)?;
        Ok(Vec::try_from(target.f_to_kind(Kind::Float)?.f_view([-1])?)?)
    }

    #[test]
    fn bytes_are_copied_and_converted_wherever_they_begin() {
        let bytes: Vec<u8> = [1.0_f32, -2.5, 3.0, 0.5, 8.0, -16.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let expected = [1.0, -2.5, 3.0, 0.5, 8.0, -16.0];
        for offset in 0..4 {
            let shifted = [vec![0; offset], bytes.clone()].concat();
            assert_eq!(copied(&shifted[offset..], &[2, 3]).unwrap(), expected, "offset {offset}");
        }
    }

    #[test]
    fn bytes_that_are_too_few_are_refused() {
        let message = copied(&[0; 20], &[2, 3]).unwrap_err().to_string();
        assert!(message.contains("20 bytes do not make a tensor of shape [2, 3]"), "{message}");
    }
}
