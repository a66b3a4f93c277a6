//! The records of a BAM file, read where they lie, without taking them apart further than counting needs.

use std::io::{self, BufRead, Read};
use std::mem;

use super::input::Input;

/// What a BAM file begins with, once decompressed.
pub(super) const MAGIC: [u8; 4] = *b"BAM\x01";

/// The fields of a record before its name.
const FIXED: usize = 32;

/// Operations of a CIGAR: `MIDNSHP=X`.
const OPERATIONS: u32 = 9;

/// What counting needs of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Raw<'a> {
    /// The read's name.
    pub name: &'a [u8],
    /// The flags of the SAM specification.
    pub flags: u16,
    /// Mapping quality.
    pub mapq: u8,
    /// Optional fields.
    pub tags: &'a [u8],
}

impl<'a> Raw<'a> {
    /// Reads the bytes of a record, those after its size, and checks what samtools would refuse it for.
    ///
    /// # Errors
    ///
    /// What is wrong: lengths that do not fit, a reference that the header of `references` does not have, a CIGAR
    /// operation that there is not.
    pub fn parse(body: &'a [u8], references: i32) -> Result<Self, String> {
        let fixed: &[u8; FIXED] = body.first_chunk().ok_or("shorter than 32 bytes")?;
        let [r0, r1, r2, r3, _, _, _, _, name, mapq, _, _, c0, c1, f0, f1, l0, l1, l2, l3, n0, n1, n2, n3, ..] = *fixed;
        for reference in [[r0, r1, r2, r3], [n0, n1, n2, n3]].map(i32::from_le_bytes) {
            if !(-1..references).contains(&reference) {
                return Err(format!("on reference {reference}, but the header has {references}"));
            }
        }
        let operations = usize::from(u16::from_le_bytes([c0, c1]));
        let bases = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let cut = || format!("its fields do not fit into its {} bytes", body.len());
        let rest = body.get(FIXED..).unwrap_or_default();
        let (name, rest) = rest.split_at_checked(usize::from(name)).ok_or_else(cut)?;
        let Some((0, name)) = name.split_last() else { return Err("its name has no end".to_owned()) };
        let (cigar, rest) = rest.split_at_checked(4 * operations).ok_or_else(cut)?;
        let tags = rest.get(bases.div_ceil(2) + bases..).ok_or_else(cut)?;
        check_cigar(cigar)?;
        Ok(Self { name, flags: u16::from_le_bytes([f0, f1]), mapq, tags })
    }
}

fn check_cigar(cigar: &[u8]) -> Result<(), String> {
    for operation in cigar.as_chunks().0 {
        let code = u32::from_le_bytes(*operation) & 15;
        if code >= OPERATIONS {
            return Err(format!("unknown CIGAR operation {code}"));
        }
    }
    Ok(())
}

/// The header, up to the first record: the number of reference sequences.
pub(super) fn read_header(input: &mut Input) -> io::Result<i32> {
    let text = size(input)?;
    skip(input, text)?;
    let references = size(input)?;
    for _ in 0..references {
        let name = size(input)?;
        skip(input, name + 4)?;
    }
    i32::try_from(references).map_err(|_| invalid("too many references"))
}

fn size(input: &mut Input) -> io::Result<u64> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    let size = i32::from_le_bytes(bytes);
    u64::try_from(size).map_err(|_| invalid(&format!("the header has a part of {size} bytes")))
}

fn skip(input: &mut Input, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut input.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// The records after the header, one at a time.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Bytes of the record that was given last, which still lie in the input's buffer.
    held: usize,
    /// A record that lies in more than one block.
    joined: Vec<u8>,
}

impl Records {
    /// The bytes of the next record, without its size.
    #[inline]
    pub(super) fn next<'a>(&'a mut self, input: &'a mut Input) -> io::Result<Option<&'a [u8]>> {
        input.consume(mem::take(&mut self.held));
        match whole(input.fill_buf()?) {
            Some(end) => {
                self.held = end;
                Ok(input.fill_buf()?.get(4..end))
            }
            None => self.join(input),
        }
    }

    fn join(&mut self, input: &mut Input) -> io::Result<Option<&[u8]>> {
        self.joined.clear();
        input.take(4).read_to_end(&mut self.joined)?;
        let Some(bytes) = self.joined.first_chunk() else {
            let ended = self.joined.is_empty();
            return if ended { Ok(None) } else { Err(invalid("the file ends inside the size of a record")) };
        };
        let size = i32::from_le_bytes(*bytes);
        let expected = u64::try_from(size).ok().filter(|size| *size >= FIXED as u64);
        let expected = expected.ok_or_else(|| invalid(&format!("a record of {size} bytes")))?;
        self.joined.clear();
        input.take(expected).read_to_end(&mut self.joined)?;
        let found = self.joined.len() as u64;
        if found < expected {
            return Err(invalid(&format!("cut short: expected {expected} bytes, found {found}")));
        }
        Ok(Some(&self.joined))
    }
}

// Where the first record ends, if all of it is there.
#[inline]
fn whole(buffer: &[u8]) -> Option<usize> {
    let size = u32::from_le_bytes(*buffer.first_chunk()?) as usize;
    (size >= FIXED && size <= buffer.len() - 4).then_some(size + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A record without a place, with `bases` bases and these tags.
    fn body(references: [i32; 2], cigar: &[u32], tags: &[u8]) -> Vec<u8> {
        let mut body = references[0].to_le_bytes().to_vec();
        body.extend(7_i32.to_le_bytes());
        body.extend([3, 60, 0, 0]);
        body.extend((cigar.len() as u16).to_le_bytes());
        body.extend(16_u16.to_le_bytes());
        body.extend(3_i32.to_le_bytes());
        body.extend(references[1].to_le_bytes());
        body.extend([0; 8]);
        body.extend(b"r1\0");
        body.extend(cigar.iter().flat_map(|operation| operation.to_le_bytes()));
        body.extend([0x12, 0x40, 30, 30, 30]);
        body.extend(tags);
        body
    }

    #[test]
    fn record_is_taken_apart() {
        let body = body([0, -1], &[3 << 4], b"NHC\x01");
        let expected = Raw { name: b"r1", flags: 16, mapq: 60, tags: b"NHC\x01" };
        assert_eq!(Raw::parse(&body, 1), Ok(expected));
    }

    #[test]
    fn damaged_records_are_named() {
        let message = |body: &[u8]| Raw::parse(body, 2).unwrap_err();
        assert_eq!(message(&[0; 31]), "shorter than 32 bytes");
        assert_eq!(message(&body([2, 0], &[], b"")), "on reference 2, but the header has 2");
        assert_eq!(message(&body([0, -2], &[], b"")), "on reference -2, but the header has 2");
        assert_eq!(message(&body([0, 0], &[0x19], b"")), "unknown CIGAR operation 9");
        let whole = body([0, 0], &[0x10], b"");
        for length in 32..whole.len() {
            let message = message(&whole[..length]);
            assert!(message == format!("its fields do not fit into its {length} bytes"), "{message}");
        }
        let mut named = whole.clone();
        named[8] = 2;
        assert_eq!(message(&named), "its name has no end");
        let mut long = whole;
        long[16..20].fill(0xff);
        assert_eq!(message(&long), format!("its fields do not fit into its {} bytes", long.len()));
    }
}
