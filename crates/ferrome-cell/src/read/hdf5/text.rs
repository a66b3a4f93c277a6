use std::ops::Range;

use arrow::array::{StringArray, StringBuilder};

use super::heap::Heap;
use super::library;
use super::stored::{Kind, Stored};
use crate::Result;

/// An array of strings of any sort, read by ranges. Bytes that are not UTF-8 become `U+FFFD`.
#[derive(Debug)]
pub(crate) struct Texts {
    stored: Stored,
    heap: Heap,
}

impl Texts {
    /// The strings of `stored`.
    pub(crate) fn of(stored: Stored) -> Result<Self> {
        match stored.kind() {
            Kind::Fixed(..) | Kind::Variable(_) if stored.shape().len() == 1 => {
                let heap = stored.heap();
                Ok(Self { stored, heap })
            }
            Kind::Fixed(..) | Kind::Variable(_) => {
                Err(stored.wrong(format!("has shape {:?}, expected one dimension", stored.shape())))
            }
            _ => Err(stored.wrong("expected strings, found values of another type")),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.stored.len()
    }

    /// Reads some of them.
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<StringArray> {
        if range.end > self.len() || range.start > range.end {
            return Err(self.stored.wrong(format!("has {} strings, but {range:?} are needed", self.len())));
        }
        let mut texts = StringBuilder::new();
        let mut take = |bytes: &[u8]| texts.append_value(text(bytes));
        match *self.stored.kind() {
            Kind::Fixed(width, _) if self.stored.is_direct() => {
                let mut bytes = Vec::new();
                self.stored.read(range, &mut bytes)?;
                bytes.chunks_exact(width.max(1)).for_each(take);
            }
            Kind::Fixed(_, ascii) => {
                let read = library::fixed(self.stored.dataset(), ascii, range, &mut take);
                read.map_err(|error| self.stored.failed(&error))?;
            }
            Kind::Variable(_) if self.stored.is_direct() => {
                let mut bytes = Vec::new();
                self.stored.read(range, &mut bytes)?;
                for element in bytes.as_chunks().0 {
                    take(self.heap.text(element).map_err(|what| self.stored.wrong(what))?);
                }
            }
            Kind::Variable(ascii) => {
                let read = library::variable(self.stored.dataset(), ascii, range, &mut take);
                read.map_err(|error| self.stored.failed(&error))?;
            }
            _ => return Err(self.stored.wrong("expected strings")),
        }
        Ok(texts.finish())
    }
}

/// The text in a field that is padded with zeros.
pub(crate) fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end])
}
