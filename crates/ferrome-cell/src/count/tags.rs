//! The optional fields of an alignment: one pass over its bytes for the few that counting needs.

/// What is looked for, and where its finding is put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The cell barcode.
    Cell,
    /// The UMI.
    Umi,
    /// The gene.
    Gene,
    /// How the gene was assigned, where that is a tag of its own.
    Status,
    /// Whether the read is counted: `xf` of Cell Ranger, `XF` of sctools.
    Filter,
    /// The gene's name.
    Name,
}

const SLOTS: usize = 6;

/// The two letters of a tag.
pub type Tag = [u8; 2];

/// The tags that are looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Both letters as one number; 0 where nothing is looked for.
    tags: [u16; SLOTS],
    count: usize,
}

impl Wanted {
    /// Looks for `tag`, too.
    #[must_use]
    pub fn with(mut self, slot: Slot, tag: Option<Tag>) -> Self {
        self.tags[slot as usize] = tag.map_or(0, u16::from_le_bytes);
        self.count = self.tags.iter().filter(|tag| **tag != 0).count();
        self
    }

    /// The tag that is looked for.
    #[must_use]
    pub fn tag(&self, slot: Slot) -> Option<Tag> {
        Some(self.tags[slot as usize].to_le_bytes()).filter(|tag| *tag != [0, 0])
    }
}

/// The value of a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// Text (`Z`), a character (`A`) or hexadecimal digits (`H`).
    Text(&'a [u8]),
    /// A whole number of any width.
    Number(i64),
    /// A number with a fraction, or an array.
    Other,
}

/// What was found; the first of several equal tags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'a> {
    values: [Option<Value<'a>>; SLOTS],
}

impl<'a> Found<'a> {
    /// The text of a tag; none where it is missing or not text.
    #[must_use]
    pub fn text(&self, slot: Slot) -> Option<&'a [u8]> {
        match self.values[slot as usize] {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a tag.
    #[must_use]
    pub fn value(&self, slot: Slot) -> Option<Value<'a>> {
        self.values[slot as usize]
    }

    // How many of those looked for were found by this.
    #[inline]
    fn take(&mut self, wanted: &Wanted, tag: Tag, value: Value<'a>) -> usize {
        let tag = u16::from_le_bytes(tag);
        let mut found = 0;
        for (place, wanted) in self.values.iter_mut().zip(&wanted.tags) {
            if *wanted == tag && tag != 0 && place.is_none() {
                *place = Some(value);
                found += 1;
            }
        }
        found
    }
}

/// Finds tags among the optional fields of a BAM record, up to the last that is wanted.
///
/// # Errors
///
/// A field before it is cut short or of a type that there is not.
///
/// # Examples
///
/// ```
/// use ferrome_cell::count::tags::{self, Slot, Wanted};
/// let wanted = Wanted::default().with(Slot::Cell, Some(*b"CB"));
/// let found = tags::scan(b"NHC\x01CBZACGT-1\0", &wanted).unwrap();
/// assert_eq!(found.text(Slot::Cell), Some(b"ACGT-1".as_slice()));
/// ```
pub fn scan<'a>(mut data: &'a [u8], wanted: &Wanted) -> Result<Found<'a>, String> {
    let mut found = Found::default();
    let mut left = wanted.count;
    while let [first, second, kind, rest @ ..] = data {
        let tag = [*first, *second];
        let (field, after) = field(*kind, rest).ok_or_else(|| trouble(tag, *kind))?;
        // A tag without letters is none, and stands for what is not looked for.
        if tag != [0, 0] && wanted.tags.contains(&u16::from_le_bytes(tag)) {
            left -= found.take(wanted, tag, value(*kind, field));
            if left == 0 {
                return Ok(found);
            }
        }
        data = after;
    }
    if data.is_empty() { Ok(found) } else { Err("ends inside an optional field".to_owned()) }
}

/// The tags of a BAM record in their order, as far as they can be read.
pub fn names(mut data: &[u8]) -> Vec<Tag> {
    let mut names = Vec::new();
    while let [first, second, kind, rest @ ..] = data {
        names.push([*first, *second]);
        let Some((_, after)) = field(*kind, rest) else { break };
        data = after;
    }
    names
}

#[cold]
fn trouble(tag: Tag, kind: u8) -> String {
    let tag = tag.escape_ascii();
    if b"AcCsSiIfZHB".contains(&kind) {
        format!("the tag {tag} is cut short or has no end")
    } else {
        format!("the tag {tag} has the unknown type `{}`", kind.escape_ascii())
    }
}

// The bytes of a field, and what follows it.
#[inline]
fn field(kind: u8, data: &[u8]) -> Option<(&[u8], &[u8])> {
    match kind {
        b'Z' | b'H' => {
            let end = end_of_text(data)?;
            Some((data.get(..end)?, data.get(end + 1..)?))
        }
        b'A' | b'C' | b'c' => data.split_at_checked(1),
        b'S' | b's' => data.split_at_checked(2),
        b'I' | b'i' | b'f' => data.split_at_checked(4),
        b'B' => array(data).map(|rest| (data, rest)),
        _ => None,
    }
}

#[inline]
fn value(kind: u8, field: &[u8]) -> Value<'_> {
    match (kind, field) {
        (b'Z' | b'H' | b'A', text) => Value::Text(text),
        (b'C', &[a]) => Value::Number(a.into()),
        (b'c', &[a]) => Value::Number(i8::from_le_bytes([a]).into()),
        (b'S', &[a, b]) => Value::Number(u16::from_le_bytes([a, b]).into()),
        (b's', &[a, b]) => Value::Number(i16::from_le_bytes([a, b]).into()),
        (b'I', &[a, b, c, d]) => Value::Number(u32::from_le_bytes([a, b, c, d]).into()),
        (b'i', &[a, b, c, d]) => Value::Number(i32::from_le_bytes([a, b, c, d]).into()),
        _ => Value::Other,
    }
}

// Where the next zero stands. Texts are short: a call of memchr takes longer than they do.
#[inline]
fn end_of_text(data: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (chunks, rest) = data.as_chunks();
    for (number, chunk) in chunks.iter().enumerate() {
        let bytes = u64::from_le_bytes(*chunk);
        // The lowest bit that is set is that of the first zero byte.
        let zeros = bytes.wrapping_sub(ONES) & !bytes & (ONES << 7);
        if zeros != 0 {
            return Some(8 * number + zeros.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| *byte == 0).map(|place| 8 * chunks.len() + place)
}

fn array(data: &[u8]) -> Option<&[u8]> {
    let (kind, data) = data.split_first()?;
    let (count, data) = data.split_first_chunk()?;
    let width = match kind {
        b'c' | b'C' => 1,
        b's' | b'S' => 2,
        b'i' | b'I' | b'f' => 4,
        _ => return None,
    };
    data.get((u32::from_le_bytes(*count) as usize).checked_mul(width)?..)
}

/// Finds tags among the optional fields of a SAM line, those after its eleventh.
///
/// # Errors
///
/// A field is not `TAG:TYPE:VALUE`.
pub fn scan_text<'a>(fields: impl Iterator<Item = &'a [u8]>, wanted: &Wanted) -> Result<Found<'a>, String> {
    let mut found = Found::default();
    for field in fields {
        let [first, second, b':', kind, b':', text @ ..] = field else {
            return Err(format!("expected TAG:TYPE:VALUE, found `{}`", field.escape_ascii()));
        };
        let value = match kind {
            b'Z' | b'A' | b'H' => Value::Text(text),
            b'i' => Value::Number(
                whole(text).ok_or_else(|| format!("expected a whole number in `{}`", field.escape_ascii()))?,
            ),
            b'f' | b'B' => Value::Other,
            _ => return Err(trouble([*first, *second], *kind)),
        };
        found.take(wanted, [*first, *second], value);
    }
    Ok(found)
}

fn whole(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted::default().with(Slot::Cell, Some(*b"CB")).with(Slot::Filter, Some(*b"xf"))
    }

    #[test]
    fn every_type_is_passed_over() {
        let data = b"X1Ax\0\0".to_vec();
        assert!(scan(&data, &wanted()).is_err());
        let mut data = Vec::new();
        for (kind, width) in [(b'A', 1), (b'c', 1), (b'C', 1), (b's', 2), (b'S', 2), (b'i', 4), (b'I', 4), (b'f', 4)] {
            data.extend([b'X', b'1', kind]);
            data.extend(vec![1; width]);
        }
        data.extend(b"X2Htext\0X3BS\x02\0\0\0\x01\x02\x03\x04X4Bf\0\0\0\0xfC\x19CBZAC\0");
        let found = scan(&data, &wanted()).unwrap();
        assert_eq!(found.text(Slot::Cell), Some(b"AC".as_slice()));
        assert_eq!(found.value(Slot::Filter), Some(Value::Number(25)));
        assert_eq!(found.value(Slot::Gene), None);
        assert_eq!(names(&data).len(), 13);
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        let number = |data: &'static [u8]| scan(data, &wanted()).unwrap().value(Slot::Filter);
        assert_eq!(number(b"xfc\xff"), Some(Value::Number(-1)));
        assert_eq!(number(b"xfS\xff\xff"), Some(Value::Number(65_535)));
        assert_eq!(number(b"xfs\xfe\xff"), Some(Value::Number(-2)));
        assert_eq!(number(b"xfI\0\0\0\x80"), Some(Value::Number(1 << 31)));
        assert_eq!(number(b"xfi\0\0\0\x80"), Some(Value::Number(-(1 << 31))));
        assert_eq!(number(b"xfZ25\0"), Some(Value::Text(b"25")));
    }

    #[test]
    fn ends_of_texts_are_found() {
        for length in 0..40 {
            for after in [b"".as_slice(), b"\0", b"\x01\x80\0\xff\x01\x02\x03\x04\x05"] {
                let text = [vec![0x80; length], vec![0], after.to_vec()].concat();
                assert_eq!(end_of_text(&text), Some(length));
                assert_eq!(end_of_text(&text[..length]), None);
            }
        }
    }

    #[test]
    fn tag_without_letters_is_none_of_those_wanted() {
        let found = scan(b"\0\0Zx\0CBZA\0", &wanted()).unwrap();
        assert_eq!((found.text(Slot::Cell), found.value(Slot::Umi)), (Some(b"A".as_slice()), None));
        assert_eq!(scan(b"\0\0Zx\0", &Wanted::default()).unwrap().value(Slot::Name), None);
        assert!(scan(b"\0\0Zx\0NHq\x01", &Wanted::default()).is_err(), "what follows it is passed over, too");
    }

    #[test]
    fn the_first_of_equal_tags_counts() {
        let found = scan(b"CBZA\0CBZB\0", &wanted()).unwrap();
        assert_eq!(found.text(Slot::Cell), Some(b"A".as_slice()));
    }

    #[test]
    fn damaged_fields_are_named() {
        let message = |data: &[u8]| scan(data, &wanted()).unwrap_err();
        assert_eq!(message(b"CBZACGT"), "the tag CB is cut short or has no end");
        assert_eq!(message(b"NHi\x01\0"), "the tag NH is cut short or has no end");
        assert_eq!(message(b"X1Bi\xff\xff\xff\xff\0"), "the tag X1 is cut short or has no end");
        assert_eq!(message(b"NHq\x01"), "the tag NH has the unknown type `q`");
        assert_eq!(message(b"NHC\x01NH"), "ends inside an optional field");
    }

    #[test]
    fn text_fields_are_read() {
        let line: [&[u8]; 3] = [b"NH:i:1", b"xf:i:25", b"CB:Z:AC:GT-1"];
        let found = scan_text(line.into_iter(), &wanted()).unwrap();
        assert_eq!(found.text(Slot::Cell), Some(b"AC:GT-1".as_slice()));
        assert_eq!(found.value(Slot::Filter), Some(Value::Number(25)));
    }

    #[test]
    fn damaged_text_fields_are_named() {
        let message = |field: &'static [u8]| scan_text([field].into_iter(), &wanted()).unwrap_err();
        assert_eq!(message(b"CB"), "expected TAG:TYPE:VALUE, found `CB`");
        assert_eq!(message(b"xf:i:x"), "expected a whole number in `xf:i:x`");
        assert_eq!(message(b"CB:q:x"), "the tag CB has the unknown type `q`");
    }
}
