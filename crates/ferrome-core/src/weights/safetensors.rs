//! The safetensors format: eight bytes of header length, a JSON header, and the tensors without gaps.
//!
//! The crate `safetensors` supplies the types of the header. Its validation is repeated here because it keeps the last
//! of two equal names in silence and lets the end of the last tensor wrap around.
//!
//! Source: <https://github.com/huggingface/safetensors#format>.

use std::collections::BTreeMap;
use std::fmt;

use ::safetensors::tensor::TensorInfo as Entry;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::format::Listing;
use super::problem::SafetensorsProblem;
use super::tensor::contiguous_strides;
use super::{DType, TensorInfo, Value};

/// Bytes of the header length.
const LENGTH: usize = 8;
/// Largest header that is read, as in the reference implementation.
const LARGEST_HEADER: u64 = 100_000_000;

/// Lists the tensors of a safetensors file.
pub(super) fn list(bytes: &[u8]) -> Result<Listing, SafetensorsProblem> {
    let (length, rest) =
        bytes.split_first_chunk::<LENGTH>().ok_or(SafetensorsProblem::NoHeaderLength { found: bytes.len() })?;
    let claimed = u64::from_le_bytes(*length);
    if claimed > LARGEST_HEADER {
        return Err(SafetensorsProblem::HeaderTooLarge { claimed, limit: LARGEST_HEADER });
    }
    let (header, data) = rest
        .split_at_checked(claimed as usize)
        .ok_or(SafetensorsProblem::HeaderTruncated { claimed, found: rest.len() })?;
    let header: Header =
        serde_json::from_slice(header).map_err(|error| SafetensorsProblem::BadHeader { detail: error.to_string() })?;
    let metadata = header.metadata.into_iter().map(|(key, value)| (Value::Str(key), Value::Str(value)));
    let tensors = place(header.entries, bytes.len() - data.len(), data.len())?;
    Ok(Listing { tensors, metadata: Value::Dict(metadata.collect()) })
}

/// Checks that the entries cover the data from beginning to end, each byte once, and says where each one lies.
fn place(
    mut entries: Vec<(String, Entry)>,
    data_start: usize,
    found: usize,
) -> Result<BTreeMap<String, TensorInfo>, SafetensorsProblem> {
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut tensors = BTreeMap::new();
    let mut end = 0;
    for (name, entry) in entries {
        let start = entry.data_offsets.0;
        if start < end {
            return Err(SafetensorsProblem::Overlap { name, start, end });
        }
        if start > end {
            return Err(SafetensorsProblem::Hole { name, start, end });
        }
        end = entry.data_offsets.1;
        let info = describe(&name, entry, data_start)?;
        if tensors.insert(name.clone(), info).is_some() {
            return Err(SafetensorsProblem::Duplicate { name });
        }
    }
    match found.checked_sub(end) {
        Some(0) => Ok(tensors),
        Some(extra) => Err(SafetensorsProblem::TrailingData { extra }),
        None => Err(SafetensorsProblem::DataTruncated { expected: end, found }),
    }
}

/// Checks that shape and dtype give the number of bytes.
fn describe(name: &str, entry: Entry, data_start: usize) -> Result<TensorInfo, SafetensorsProblem> {
    let dtype = DType::from_safetensors(entry.dtype);
    let (start, end) = entry.data_offsets;
    let elements = if entry.shape.contains(&0) {
        Some(0)
    } else {
        entry.shape.iter().try_fold(1usize, |product, &count| product.checked_mul(count))
    };
    // Elements of fewer than eight bits end with a whole byte.
    let bits = elements.and_then(|elements| elements.checked_mul(dtype.bits())).filter(|bits| bits % 8 == 0);
    let needed = bits.map(|bits| bits / 8);
    let in_file = data_start.checked_add(start).zip(data_start.checked_add(end));
    match in_file {
        Some((first, last)) if needed.is_some() && needed == end.checked_sub(start) => {
            let strides = contiguous_strides(&entry.shape);
            Ok(TensorInfo { dtype, shape: entry.shape, strides, file: 0, span: first..last })
        }
        _ => Err(SafetensorsProblem::WrongSize { name: name.to_owned(), dtype, shape: entry.shape, start, end }),
    }
}

/// The JSON header, with every tensor that it names, equal names included.
#[derive(Debug, Default)]
struct Header {
    metadata: BTreeMap<String, String>,
    entries: Vec<(String, Entry)>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
            } else {
                header.entries.push((name, map.next_value()?));
            }
        }
        Ok(header)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file with this header and `count` bytes of data: 0, 1, 2, …
    pub(in crate::weights) fn file(header: &str, count: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend((0..count).map(|i| i as u8));
        bytes
    }

    /// `a`, two floats, and `b`, four bytes.
    pub(in crate::weights) fn two_tensors() -> Vec<u8> {
        file(
            r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]},
                "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            12,
        )
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        assert_eq!(list(bytes).unwrap_err().to_string(), expected);
    }

    fn byte(name: &str, start: usize, end: usize) -> String {
        format!(r#""{name}":{{"dtype":"U8","shape":[4],"data_offsets":[{start},{end}]}}"#)
    }

    #[test]
    fn list_with_metadata() {
        let listing = list(&two_tensors()).unwrap();
        assert_eq!(listing.metadata.get("format").and_then(Value::as_str), Some("pt"));
        assert_eq!(listing.tensors["a"].dtype, DType::F32);
        assert_eq!(listing.tensors["b"].span.len(), 4);
    }

    #[test]
    fn list_of_nothing_and_of_empty_tensors() {
        assert_eq!(list(&file("{}", 0)).unwrap().tensors.len(), 0);
        let header = r#"{"e":{"dtype":"F32","shape":[18446744073709551615,2,0],"data_offsets":[0,0]}}"#;
        assert_eq!(list(&file(header, 0)).unwrap().tensors["e"].byte_len(), 0);
    }

    #[test]
    fn header_of_fewer_than_eight_bytes() {
        refused(b"\x01\0", "truncated safetensors file, expected a header length of 8 bytes, found 2 bytes");
    }

    #[test]
    fn header_longer_than_the_file() {
        refused(b"\xff\0\0\0\0\0\0\0{}", "truncated safetensors file, its header claims 255 bytes but only 2 follow");
    }

    #[test]
    fn header_longer_than_the_limit() {
        refused(
            b"\xff\xff\xff\xff\xff\xff\xff\xff{}",
            "safetensors header claims 18446744073709551615 bytes, more than the limit of 100000000",
        );
    }

    #[test]
    fn header_that_is_not_json() {
        refused(&file("{]", 0), "invalid safetensors header: key must be a string at line 1 column 2");
        refused(
            &file("[]", 0),
            "invalid safetensors header: invalid type: sequence, expected an object of tensors at line 1 column 0",
        );
        let deep = format!(r#"{{"a":{}"#, "[".repeat(500_000));
        assert!(list(&file(&deep, 0)).unwrap_err().to_string().starts_with("invalid safetensors header: "));
    }

    #[test]
    fn tensors_that_overlap() {
        let header = format!("{{{},{}}}", byte("a", 0, 4), byte("b", 2, 6));
        refused(&file(&header, 6), "tensor `b` overlaps another: it starts at byte 2, the one before ends at byte 4");
    }

    #[test]
    fn hole_between_tensors() {
        let header = format!("{{{},{}}}", byte("a", 0, 4), byte("b", 6, 10));
        refused(&file(&header, 10), "hole before tensor `b`: it starts at byte 6, the one before ends at byte 4");
    }

    #[test]
    fn name_given_twice() {
        let header = format!("{{{},{}}}", byte("a", 0, 4), byte("a", 4, 8));
        refused(&file(&header, 8), "tensor `a` is given twice");
    }

    #[test]
    fn data_too_short_or_too_long() {
        let header = format!("{{{}}}", byte("a", 0, 4));
        refused(&file(&header, 3), "truncated safetensors file, expected 4 bytes of tensors, found 3");
        refused(&file(&header, 6), "2 bytes follow the last tensor of the safetensors file");
    }

    #[test]
    fn shape_that_does_not_fill_its_bytes() {
        let header = format!("{{{}}}", byte("a", 0, 5));
        refused(&file(&header, 5), "tensor `a`: U8 of shape [4] does not fill bytes 0 to 5");
        let backwards = format!("{{{},{}}}", byte("a", 0, 4), byte("b", 4, 2));
        refused(&file(&backwards, 4), "tensor `b`: U8 of shape [4] does not fill bytes 4 to 2");
    }

    #[test]
    fn end_that_wraps_around() {
        let count = usize::MAX - 7;
        let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{count}],"data_offsets":[0,{count}]}}}}"#);
        refused(&file(&header, 0), &format!("tensor `a`: U8 of shape [{count}] does not fill bytes 0 to {count}"));
    }

    #[test]
    fn shape_that_overflows() {
        let header = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
        refused(&file(header, 0), "tensor `a`: F32 of shape [4294967296, 4294967296] does not fill bytes 0 to 0");
    }

    #[test]
    fn dtype_that_no_model_computes_with_is_listed() {
        let header = r#"{"a":{"dtype":"U16","shape":[3],"data_offsets":[0,6]},
                         "b":{"dtype":"F4","shape":[6],"data_offsets":[6,9]}}"#;
        let tensors = list(&file(header, 9)).unwrap().tensors;
        assert_eq!(tensors["a"].dtype.to_string(), "U16");
        assert_eq!((tensors["a"].byte_len(), tensors["b"].byte_len()), (6, 3));
    }

    #[test]
    fn elements_of_four_bits_that_end_within_a_byte() {
        let header = r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#;
        refused(&file(header, 2), "tensor `a`: F4 of shape [3] does not fill bytes 0 to 2");
    }
}
