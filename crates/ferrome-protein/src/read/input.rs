use std::{
    fmt,
    io::{self, BufReader, Cursor, Read},
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use flate2::bufread::MultiGzDecoder;
use noodles::bgzf;

use crate::{ReadError, Result};

const BUFFER: usize = 1 << 17;

/// The 28 bytes with which every whole BGZF file ends: an empty block.
const BGZF_END: [u8; 28] = *b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0";

/// Opens a file, or standard input for `-`, and says how messages name it.
pub(super) fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Arc<str>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), "stdin".into()));
    }
    let file: Arc<str> = path.display().to_string().into();
    match fs_err::File::open(path) {
        Ok(open) if open.metadata()?.is_dir() => Err(ReadError::Folder { file }.into()),
        Ok(open) => Ok((Box::new(open), file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ReadError::Missing { file }.into()),
        Err(error) => Err(error.into()),
    }
}

/// The decompressed bytes of an input.
pub(super) enum Input {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Bgzf(Box<bgzf::io::MultithreadedReader<Raw>>, Tail),
}

impl Input {
    /// Sees the compression in the first bytes.
    pub(super) fn new(mut reader: Box<dyn Read + Send>, threads: NonZeroUsize) -> io::Result<Self> {
        let mut head = Vec::with_capacity(18);
        reader.by_ref().take(18).read_to_end(&mut head)?;
        let compression = (is_gzip(&head), is_bgzf(&head));
        let tail = Tail::default();
        let raw = Raw { reader: Box::new(Cursor::new(head).chain(reader)), tail: tail.clone() };
        Ok(match compression {
            (_, true) => {
                let reader = bgzf::io::MultithreadedReader::with_worker_count(threads, raw);
                Self::Bgzf(Box::new(reader), tail)
            }
            (true, _) => Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, raw)))),
            _ => Self::Plain(raw),
        })
    }

    /// The compression as messages name it.
    pub(super) fn format(&self) -> &'static str {
        match self {
            Self::Plain(_) => "plain",
            Self::Gzip(_) => "gzip",
            Self::Bgzf(..) => "BGZF",
        }
    }

    /// What a cut takes away, as messages name it.
    pub(super) fn more(&self) -> &'static str {
        match self {
            Self::Plain(_) => "more data",
            Self::Gzip(_) => "more gzip data",
            Self::Bgzf(..) => "more BGZF data",
        }
    }

    /// At the end of the bytes: whether the compressed data says, too, that this is the end.
    ///
    /// A gzip stream that is cut fails while it is read. A BGZF file that is cut between two blocks does not, and
    /// noodles takes a cut within the header of a block for the end: only the last block tells.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Gzip(_) => true,
            Self::Bgzf(_, tail) => tail.ends_with(&BGZF_END),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Bgzf(reader, _) => reader.read(buffer),
        }
    }
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b")
}

/// The header that noodles takes for BGZF; a file with other extra fields is read as gzip, which it is too.
fn is_bgzf(head: &[u8]) -> bool {
    head.len() == 18 && head.starts_with(b"\x1f\x8b\x08\x04") && head.get(10..16) == Some(b"\x06\0BC\x02\0")
}

/// The last bytes read, shared with the thread that reads them.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    fn push(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(BGZF_END.len())..).unwrap_or_default());
        let surplus = tail.len().saturating_sub(BGZF_END.len());
        tail.drain(..surplus);
    }

    fn ends_with(&self, bytes: &[u8]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ends_with(bytes)
    }
}

/// The bytes as they lie on the disk. Their errors are marked, so that a failing disk is not taken for a damaged file.
pub(super) struct Raw {
    reader: Box<dyn Read + Send>,
    tail: Tail,
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(count) => {
                self.tail.push(buffer.get(..count).unwrap_or_default());
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(io::Error::new(error.kind(), Failure(error))),
        }
    }
}

/// An error of the operating system, as opposed to one of a decompressor.
#[derive(Debug)]
pub(super) struct Failure(io::Error);

impl Failure {
    /// The operating system's error, if it is one; otherwise the decompressor's.
    pub(super) fn unwrap(error: io::Error) -> Result<io::Error, io::Error> {
        error.downcast::<Self>().map(|failure| failure.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}
