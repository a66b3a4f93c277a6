//! Strings of variable length, which lie in collections of their own anywhere in the file (the global heap).
//!
//! They are read past the library, which takes a lock and an allocation for each string, and does not return from a
//! collection that was overwritten by zeros.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use memchr::memmem;

use super::filter::pread;

/// Bytes before the first object of a collection, and before each object.
const HEAD: usize = 16;

/// Collections that are kept.
const KEPT: usize = 1 << 10;

/// Bytes at either end of a file that are searched for damaged collections.
const SEARCHED: u64 = 8 << 20;

/// The collections of strings of a file.
#[derive(Debug)]
pub(super) struct Heap {
    file: Arc<File>,
    length: u64,
    kept: HashMap<u64, Collection>,
}

/// Objects that lie together.
#[derive(Debug)]
struct Collection {
    bytes: Vec<u8>,
    /// Where each object begins and ends, by its number; number 0 is none.
    objects: Vec<(usize, usize)>,
}

impl Heap {
    /// The heap of a file of so many bytes.
    pub(super) fn new(file: Arc<File>, length: u64) -> Self {
        Self { file, length, kept: HashMap::new() }
    }

    /// The string that an element of 16 bytes refers to; the error says what is wrong.
    pub(super) fn text(&mut self, element: &[u8; 16]) -> Result<&[u8], String> {
        let [l0, l1, l2, l3, a0, a1, a2, a3, a4, a5, a6, a7, n0, n1, n2, n3] = *element;
        let long = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let address = u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]);
        let number = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        if long == 0 || address == 0 || address == u64::MAX {
            return Ok(&[]);
        }
        if !self.kept.contains_key(&address) {
            let collection = Collection::read(&self.file, address, self.length)?;
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(address, collection);
        }
        let text = self.kept.get(&address).and_then(|collection| collection.object(number)?.get(..long));
        text.ok_or_else(|| format!("the strings at byte {address} of the file are damaged"))
    }
}

impl Collection {
    fn read(file: &File, address: u64, length: u64) -> Result<Self, String> {
        let damaged = || format!("the strings at byte {address} of the file are damaged");
        let mut head = [0; HEAD];
        pread(file, address, &mut head)?;
        let size = size(&head).filter(|size| *size <= length - address.min(length)).ok_or_else(damaged)?;
        let mut bytes = vec![0; size as usize];
        pread(file, address, &mut bytes)?;
        let objects = objects(&bytes).ok_or_else(damaged)?;
        Ok(Self { bytes, objects })
    }

    fn object(&self, number: usize) -> Option<&[u8]> {
        let (begin, end) = *self.objects.get(number).filter(|(begin, _)| *begin > 0)?;
        self.bytes.get(begin..end)
    }
}

/// The size of the collection that begins with these bytes, if it is one.
fn size(head: &[u8]) -> Option<u64> {
    let (mark, rest) = head.split_first_chunk::<8>()?;
    let size = u64::from_le_bytes(*rest.first_chunk::<8>()?);
    (mark == b"GCOL\x01\0\0\0" && size >= HEAD as u64).then_some(size)
}

/// Where the objects of a collection lie; `None` if they do not fit together.
fn objects(bytes: &[u8]) -> Option<Vec<(usize, usize)>> {
    let mut objects = Vec::new();
    let mut at = HEAD;
    while let Some(head) = bytes.get(at..at + HEAD) {
        let number = usize::from(u16::from_le_bytes(*head.first_chunk()?));
        let size = usize::try_from(u64::from_le_bytes(*head.last_chunk()?)).ok()?;
        if number == 0 {
            // The rest is free; its size counts its own head.
            return (size == bytes.len() - at).then_some(objects);
        }
        let begin = at + HEAD;
        let end = begin.checked_add(size).filter(|end| *end <= bytes.len())?;
        if objects.len() <= number {
            objects.resize(number + 1, (0, 0));
        }
        objects[number] = (begin, end);
        at = end.next_multiple_of(8);
    }
    Some(objects)
}

/// A collection near the beginning or the end of a file, where those of attributes lie, that the library would not return
/// from; its address.
pub(super) fn endless(file: &File, length: u64) -> Option<u64> {
    let parts = [0..length.min(SEARCHED), (length.saturating_sub(SEARCHED).max(SEARCHED) & !7)..length];
    parts.into_iter().filter(|part| !part.is_empty()).find_map(|part| {
        let mut bytes = vec![0; (part.end - part.start) as usize];
        pread(file, part.start, &mut bytes).ok()?;
        let mut found = memmem::find_iter(&bytes, b"GCOL\x01\0\0\0").filter(|place| place % 8 == 0);
        found.find(|place| is_endless(&bytes[*place..])).map(|place| part.start + place as u64)
    })
}

/// Whether one comes to free space of no size when one goes from object to object.
fn is_endless(bytes: &[u8]) -> bool {
    let bytes = size(bytes).and_then(|size| bytes.get(..usize::try_from(size).ok()?)).unwrap_or_default();
    let mut at = HEAD;
    while let Some(head) = bytes.get(at..at + HEAD) {
        let number = head.first_chunk().map_or(0, |number| u16::from_le_bytes(*number));
        let size = head.last_chunk().map_or(0, |size| u64::from_le_bytes(*size));
        if number == 0 {
            return size == 0;
        }
        at = match usize::try_from(size) {
            Ok(size) if size <= bytes.len() => (at + HEAD + size).next_multiple_of(8),
            _ => return false,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(objects: &[(u16, &[u8])], free: u64) -> Vec<u8> {
        let mut bytes = b"GCOL\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        for (number, data) in objects {
            bytes.extend(number.to_le_bytes());
            bytes.extend([1, 0, 0, 0, 0, 0]);
            bytes.extend((data.len() as u64).to_le_bytes());
            bytes.extend_from_slice(data);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes.extend([0; 8]);
        bytes.extend(free.to_le_bytes());
        bytes.resize(bytes.len() + 16, 0);
        let size = bytes.len() as u64;
        bytes[8..16].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    fn texts(bytes: &[u8], numbers: &[u32]) -> Result<Vec<Vec<u8>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heap");
        std::fs::write(&path, [&[0; 64], bytes].concat()).unwrap();
        let mut heap = Heap::new(Arc::new(File::open(path).unwrap()), 64 + bytes.len() as u64);
        let element = |number: u32| [&3u32.to_le_bytes()[..], &64u64.to_le_bytes(), &number.to_le_bytes()].concat();
        numbers.iter().map(|number| heap.text(element(*number)[..].try_into().unwrap()).map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn objects_by_number() {
        let bytes = collection(&[(2, b"abcd"), (1, b"xyz")], 32);
        assert_eq!(texts(&bytes, &[1, 2]).unwrap(), [b"xyz", b"abc"]);
    }

    #[test]
    fn damaged_collections_are_named() {
        let damaged = Err("the strings at byte 64 of the file are damaged".to_owned());
        assert_eq!(texts(&collection(&[(1, b"abc")], 32), &[2]), damaged, "no such object");
        assert_eq!(texts(&collection(&[(1, b"ab")], 32), &[1]), damaged, "shorter than the element says");
        assert_eq!(texts(&collection(&[(1, b"abc")], 0), &[1]), damaged, "free space of no size");
        let mut zeros = collection(&[(1, b"abc"), (2, b"abc")], 32);
        zeros[16..40].fill(0);
        assert_eq!(texts(&zeros, &[2]), damaged, "overwritten by zeros");
        assert!(is_endless(&zeros) && is_endless(&collection(&[(1, b"abc")], 0)));
        assert!(!is_endless(&collection(&[(1, b"abc")], 32)) && !is_endless(b"GCOL"));
        assert_eq!(texts(b"GCOL\x01\0\0\0\xff\xff\xff\xff\xff\0\0\0", &[1]), damaged, "larger than the file");
    }
}
