//! NumPy's numbers in pickles: `scalar(dtype, bytes)`, where the dtype is a description of its own.
//!
//! Source: `numpy/_core/src/multiarray/scalarapi.c` and `descriptor.c` (`__reduce__` and `__setstate__`).

use super::graph::{Id, Node};
use super::machine::Machine;
use crate::weights::problem::PytorchProblem;

impl Machine<'_> {
    /// The number that `numpy.core.multiarray.scalar(dtype, bytes)` stands for.
    pub(super) fn number(&self, dtype: Id, bytes: Id) -> Result<Node, PytorchProblem> {
        let Node::Bytes(bytes) = self.node(bytes)? else {
            return Err(self.reader.bad("a NumPy number without its bytes"));
        };
        let (kind, big_endian) = self.dtype(dtype)?;
        // The longest number has eight bytes.
        let mut little = bytes.get(..bytes.len().min(9)).unwrap_or_default().to_vec();
        if big_endian {
            little.reverse();
        }
        decode(kind, &little).ok_or_else(|| self.reader.bad("a NumPy number of a type or size that is not supported"))
    }

    /// Letter and size of a dtype, such as `i2`, and whether its bytes are in big-endian order.
    fn dtype(&self, id: Id) -> Result<(&str, bool), PytorchProblem> {
        let unknown = || self.reader.bad("a NumPy number without a dtype");
        let Node::Object { class, args, state } = self.node(id)? else { return Err(unknown()) };
        let order = match state.map(|state| self.node(state)).transpose()? {
            Some(Node::Tuple(state)) => state.get(1).map(|&order| self.node(order)).transpose()?,
            _ => None,
        };
        let big_endian = matches!(order, Some(Node::Str(order)) if order == ">");
        if let Some(kind) = class_kind(class) {
            return Ok((kind, big_endian));
        }
        match args.first().map(|&kind| self.node(kind)).transpose()? {
            Some(Node::Str(kind)) if *class == "numpy.dtype" => Ok((kind, big_endian)),
            _ => Err(unknown()),
        }
    }
}

/// What an instance of a class in `numpy.dtypes` describes.
fn class_kind(class: &str) -> Option<&'static str> {
    Some(match class.strip_prefix("numpy.dtypes.")?.strip_suffix("DType")? {
        "Bool" => "b1",
        "Int8" => "i1",
        "Int16" => "i2",
        "Int32" => "i4",
        "Int64" => "i8",
        "UInt8" => "u1",
        "UInt16" => "u2",
        "UInt32" => "u4",
        "UInt64" => "u8",
        "Float32" => "f4",
        "Float64" => "f8",
        _ => return None,
    })
}

fn decode(kind: &str, bytes: &[u8]) -> Option<Node> {
    Some(match kind {
        "b1" => Node::Bool(u8::from_le_bytes(bytes.try_into().ok()?) != 0),
        "i1" => Node::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        "i2" => Node::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        "i4" => Node::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        "i8" => Node::Int(i64::from_le_bytes(bytes.try_into().ok()?).into()),
        "u1" => Node::Int(u8::from_le_bytes(bytes.try_into().ok()?).into()),
        "u2" => Node::Int(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        "u4" => Node::Int(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        "u8" => Node::Int(u64::from_le_bytes(bytes.try_into().ok()?).into()),
        "f4" => Node::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        "f8" => Node::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::weights::Value;
    use crate::weights::pickle::read;

    /// `scalar(dtype(kind), bytes)` as protocol 2 writes it, with the state of the dtype.
    fn scalar(module: &str, kind: &str, order: u8, bytes: &[u8]) -> Vec<u8> {
        let dtype =
            [b"cnumpy\ndtype\nU\x02".as_slice(), kind.as_bytes(), b"\x89\x88\x87R(K\x03U\x01", &[order]].concat();
        let dtype = [dtype.as_slice(), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"].concat();
        let bytes = [&[b'C', bytes.len() as u8], bytes].concat();
        [b"c", module.as_bytes(), b"\nscalar\n", &dtype, &bytes, b"\x86R."].concat()
    }

    fn value(pickle: &[u8]) -> Value {
        read(pickle).unwrap().into_value().unwrap()
    }

    #[test]
    fn numbers_of_both_module_names_and_byte_orders() {
        assert_eq!(value(&scalar("numpy.core.multiarray", "i2", b'<', &[0x51, 0x63])), Value::Int(0x6351));
        assert_eq!(value(&scalar("numpy._core.multiarray", "i2", b'>', &[0xff, 0xfe])), Value::Int(-2));
        assert_eq!(value(&scalar("numpy._core.multiarray", "f8", b'<', &0.3_f64.to_le_bytes())), Value::Float(0.3));
        assert_eq!(value(&scalar("numpy._core.multiarray", "f4", b'>', &1.5_f32.to_be_bytes())), Value::Float(1.5));
        assert_eq!(value(&scalar("numpy._core.multiarray", "u8", b'<', &[255; 8])), Value::Int(u64::MAX.into()));
        assert_eq!(value(&scalar("numpy._core.multiarray", "b1", b'|', &[1])), Value::Bool(true));
    }

    #[test]
    fn instance_of_a_dtype_class() {
        let pickle = b"cnumpy.core.multiarray\nscalar\ncnumpy.dtypes\nInt16DType\n)RC\x02\x07\x00\x86R.";
        assert_eq!(value(pickle), Value::Int(7));
        assert_eq!(value(b"cnumpy.dtypes\nFloat64DType\n."), Value::Class("numpy.dtypes.Float64DType".into()));
    }

    #[track_caller]
    fn refused(pickle: &[u8], expected: &str) {
        let message = read(pickle).unwrap_err().to_string();
        assert_eq!(message.split_once(": ").unwrap().1, expected);
    }

    #[test]
    fn numbers_that_are_none() {
        let size = "a NumPy number of a type or size that is not supported";
        refused(&scalar("numpy.core.multiarray", "i2", b'<', &[1]), size);
        refused(&scalar("numpy.core.multiarray", "O8", b'|', &[0; 8]), size);
        refused(b"cnumpy.core.multiarray\nscalar\nNC\x01\0\x86R.", "a NumPy number without a dtype");
        refused(b"cnumpy.core.multiarray\nscalar\nNN\x86R.", "a NumPy number without its bytes");
    }
}
