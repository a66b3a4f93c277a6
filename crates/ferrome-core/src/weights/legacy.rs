//! PyTorch's format before 1.6: pickles of a magic number, a protocol, the machine, the object and the storage keys, then
//! for each key the number of elements and the elements.
//!
//! Source: `torch/serialization.py` (`_legacy_save`, `_legacy_load`).

use std::collections::HashMap;
use std::ops::Range;

use super::format::Listing;
use super::pickle::{self, Graph};
use super::problem::PytorchProblem;
use super::{Value, storage};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

/// Lists the tensors of a legacy file.
pub(super) fn list(bytes: &[u8]) -> Result<Listing, PytorchProblem> {
    let mut at = 0;
    let plain = |_| PytorchProblem::PlainPickle;
    if next(bytes, &mut at).and_then(Graph::into_value).map_err(plain)? != Value::Int(MAGIC)
        || next(bytes, &mut at)?.into_value()? != Value::Int(PROTOCOL)
    {
        return Err(PytorchProblem::PlainPickle);
    }
    let machine = next(bytes, &mut at)?.into_value()?;
    if machine.get("little_endian").and_then(Value::as_bool) != Some(true) {
        return Err(PytorchProblem::BigEndian);
    }
    let graph = next(bytes, &mut at)?;
    let (Value::List(keys) | Value::Tuple(keys)) = next(bytes, &mut at)?.into_value()? else {
        return Err(PytorchProblem::BadPickle { at, what: "the storage keys are not a list" });
    };
    let storages = storages(bytes, at, &keys, &graph)?;
    let unpickled = graph.export()?;
    Ok(Listing { tensors: storage::place(unpickled.tensors, &storages)?, metadata: unpickled.metadata })
}

/// Reads the pickle at `at`, and moves behind it.
fn next(bytes: &[u8], at: &mut usize) -> Result<Graph, PytorchProblem> {
    let graph = pickle::read(bytes.get(*at..).unwrap_or_default())?;
    *at += graph.consumed;
    Ok(graph)
}

/// Where each storage lies; they follow each other from byte `at`, in the order of `keys`.
fn storages(
    bytes: &[u8],
    mut at: usize,
    keys: &[Value],
    graph: &Graph,
) -> Result<HashMap<String, Range<usize>>, PytorchProblem> {
    let mut storages = HashMap::new();
    for key in keys {
        let unknown = PytorchProblem::BadPickle { at, what: "a storage key that no tensor uses" };
        let storage = key.as_str().and_then(|key| graph.storages.get(key)).ok_or(unknown)?;
        let rest = bytes.get(at..).unwrap_or_default();
        let short = |expected, found| PytorchProblem::ShortStorage { storage: storage.key.clone(), expected, found };
        let (length, data) = rest.split_first_chunk::<8>().ok_or_else(|| short(8, rest.len()))?;
        let expected = u64::from_le_bytes(*length).saturating_mul(storage.element_size());
        let size = usize::try_from(expected).ok().filter(|&size| size <= data.len());
        let size = size.ok_or_else(|| short(expected, data.len()))?;
        storages.insert(storage.key.clone(), at + 8..at + 8 + size);
        at += 8 + size;
    }
    Ok(storages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";

    #[track_caller]
    fn refused(tail: &[u8], expected: &str) {
        assert_eq!(list(&[HEAD, tail].concat()).unwrap_err().to_string(), expected);
    }

    fn machine(little_endian: bool) -> Vec<u8> {
        let truth = if little_endian { b'\x88' } else { b'\x89' };
        [b"\x80\x02}X\x0d\0\0\0little_endian".as_slice(), &[truth], b"s."].concat()
    }

    #[test]
    fn list_of_an_empty_dictionary() {
        let file = [HEAD, &machine(true), b"\x80\x02}.", b"\x80\x02]."].concat();
        assert!(list(&file).unwrap().tensors.is_empty());
    }

    #[test]
    fn plain_pickle() {
        let message = "is a plain pickle, not written by torch.save";
        assert_eq!(list(b"\x80\x02}.").unwrap_err().to_string(), message);
        assert_eq!(list(b"\x80\x02cnumpy\nndarray\n.").unwrap_err().to_string(), message);
    }

    #[test]
    fn big_endian() {
        refused(&machine(false), "the tensors are big-endian, only little-endian files are supported");
    }

    #[test]
    fn truncated_between_pickles() {
        refused(b"", "damaged pickle at byte 0: it ends early");
        refused(&machine(true), "damaged pickle at byte 0: it ends early");
    }

    #[test]
    fn storage_keys_that_are_none() {
        refused(
            &[&machine(true), b"}.".as_slice(), b"}."].concat(),
            "damaged pickle at byte 49: the storage keys are not a list",
        );
        refused(
            &[&machine(true), b"}.".as_slice(), b"]U\x010a."].concat(),
            "damaged pickle at byte 53: a storage key that no tensor uses",
        );
    }
}
