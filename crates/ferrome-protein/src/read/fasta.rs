mod trouble;

use std::{io::Read, num::NonZeroUsize, path::Path, sync::Arc};

use trouble::unreadable;

use super::{
    Protein,
    content::Content,
    foreign,
    input::{self, Input},
    lines::{Lines, Step},
    protein::{Header, clean},
};
use crate::{ReadError, Result};

/// The longest line, header and sequence; what is longer is no FASTA.
#[derive(Clone, Copy, Debug)]
struct Limits {
    header: usize,
    sequence: usize,
}

const LIMITS: Limits = Limits { header: 1 << 24, sequence: 1 << 30 };

/// The records of a FASTA input, in order.
///
/// The first error is the last item: a damaged file has no next record.
pub struct Fasta {
    lines: Lines<Input>,
    file: Arc<str>,
    header: Option<Header>,
    sequence: Vec<u8>,
    whole: u64,
    limits: Limits,
}

/// Opens the FASTA file at `path`, or standard input for `-`, and reads as far as the first header.
///
/// `threads` is how many threads decompress BGZF; other inputs need none.
///
/// # Errors
///
/// The file is missing, a folder, empty or not FASTA, or it cannot be read.
pub fn open(path: &Path, threads: NonZeroUsize) -> Result<Fasta> {
    let (reader, file) = input::open(path)?;
    Fasta::new(reader, file, threads, LIMITS)
}

impl Fasta {
    /// Reads FASTA from anything; `file` is its name in messages. See [`open`].
    ///
    /// # Errors
    ///
    /// Those of [`open`].
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use ferrome_protein::read::Fasta;
    ///
    /// let error = Fasta::from_reader(&b"@read1\nACGT\n+\nIIII\n"[..], "reads.fq", NonZeroUsize::MIN).err();
    /// assert_eq!(
    ///     error.map(|e| e.to_string()).as_deref(),
    ///     Some("reads.fq: line 1: expected a FASTA header starting with `>`, found `@read1` (FASTQ?)"),
    /// );
    /// ```
    pub fn from_reader<R: Read + Send + 'static>(reader: R, file: &str, threads: NonZeroUsize) -> Result<Self> {
        Self::new(Box::new(reader), file.into(), threads, LIMITS)
    }

    fn new(reader: Box<dyn Read + Send>, file: Arc<str>, threads: NonZeroUsize, limits: Limits) -> Result<Self> {
        let input = Input::new(reader, threads).map_err(|error| unreadable(&file, error))?;
        let lines = Lines::new(input, limits.sequence);
        let mut fasta = Self { lines, file, header: None, sequence: Vec::new(), whole: 0, limits };
        fasta.find_first_header()?;
        Ok(fasta)
    }

    fn find_first_header(&mut self) -> Result<()> {
        let head = self.lines.peek(foreign::HEAD).map(|head| (head.is_empty(), foreign::file(head)));
        let (empty, foreign) = head.map_err(|error| self.failed(error, None))?;
        if let Some(found) = foreign {
            return Err(ReadError::NotFasta { file: self.file.clone(), line: 1, found }.into());
        }
        while self.advance(None)? {
            match Content::of(self.lines.line()) {
                Content::Header(bytes) if foreign::is_pir(bytes) => {
                    return Err(self.not_fasta(format!("{} (PIR?)", foreign::line(self.lines.line()))));
                }
                Content::Header(bytes) => {
                    self.header = Some(Header::parse(bytes, self.lines.number()));
                    return Ok(());
                }
                Content::Sequence(bytes) if !bytes.trim_ascii().is_empty() => {
                    return Err(self.not_fasta(foreign::line(bytes)));
                }
                Content::Sequence(_) | Content::Comment => {}
            }
        }
        let found = if empty { "an empty file" } else { "only blank lines and comments" };
        Err(ReadError::NoRecords { file: self.file.clone(), found }.into())
    }

    fn read_record(&mut self) -> Result<Option<Protein>> {
        let Some(header) = self.header.take() else { return Ok(None) };
        if header.length > self.limits.header {
            return Err(self.too_long("a header", self.limits.header, Some(&header)));
        }
        self.sequence.clear();
        while self.advance(Some(&header))? {
            match Content::of(self.lines.line()) {
                Content::Header(bytes) => {
                    self.header = Some(Header::parse(bytes, self.lines.number()));
                    break;
                }
                Content::Sequence(bytes) => self.sequence.extend_from_slice(bytes),
                Content::Comment => {}
            }
            if self.sequence.len() > self.limits.sequence {
                return Err(self.too_long("a sequence", self.limits.sequence, Some(&header)));
            }
        }
        self.finish(header).map(Some)
    }

    fn finish(&mut self, header: Header) -> Result<Protein> {
        if clean(&mut self.sequence).is_none() || header.has_nul {
            return Err(ReadError::NulByte { file: self.file.clone(), place: self.place(Some(&header)) }.into());
        }
        self.whole += 1;
        let Header { id, description, line, .. } = header;
        let sequence = self.sequence.as_slice().to_vec();
        Ok(Protein { id, description, sequence, source: self.file.clone(), line, problem: None })
    }

    /// Moves to the next line; `false` at the end of a whole input.
    fn advance(&mut self, header: Option<&Header>) -> Result<bool> {
        match self.lines.advance() {
            Ok(Step::Line) => Ok(true),
            Ok(Step::End) if self.lines.reader().is_whole() => Ok(false),
            Ok(Step::End) => Err(self.truncated("the BGZF end marker", header)),
            Ok(Step::TooLong) => Err(self.too_long("a line", self.limits.sequence, header)),
            Err(error) => Err(self.failed(error, header)),
        }
    }
}

impl Iterator for Fasta {
    type Item = Result<Protein>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.read_record().transpose();
        if matches!(record, Some(Err(_))) {
            self.header = None;
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(bytes: &'static [u8]) -> (usize, String) {
        let limits = Limits { header: 8, sequence: 12 };
        let fasta = Fasta::new(Box::new(bytes), "a.fa".into(), NonZeroUsize::MIN, limits);
        let items: Vec<_> = fasta.map_or_else(|error| vec![Err(error)], Iterator::collect);
        let message = items.iter().find_map(|item| item.as_ref().err().map(ToString::to_string)).unwrap_or_default();
        (items.iter().filter(|item| item.is_ok()).count(), message)
    }

    #[test]
    fn refuse_header_beyond_the_limit() {
        assert_eq!(limited(b">12345678\nMK\n"), (1, String::new()));
        let message = "a.fa: record `123456789` (line 3), after 1 whole record: expected a header of at most 8 bytes, \
                       found more (is it a binary file?)";
        assert_eq!(limited(b">a\nMK\n>123456789\nMK\n>b\n"), (1, message.into()));
    }

    #[test]
    fn refuse_sequence_beyond_the_limit() {
        let message = "a.fa: record `a` (line 1): expected a sequence of at most 12 bytes, found more (is it a binary \
                       file?)";
        assert_eq!(limited(b">a\nMKTAYI\nMKTAYI\n>b\nMK\n"), (2, String::new()));
        assert_eq!(limited(b">a\nMKTAYI\nMKTAYI\nM\n>b\nMK\n"), (0, message.into()));
    }

    #[test]
    fn refuse_line_beyond_the_limit() {
        let message = "expected a line of at most 12 bytes, found more (is it a binary file?)";
        assert_eq!(limited(b">a\nMKTAYIMKTAYIM\n"), (0, format!("a.fa: record `a` (line 1): {message}")));
        assert_eq!(limited(b">aaaaaaaaaaaaaaaaaaaaa\n"), (0, format!("a.fa: before the first record: {message}")));
    }
}
